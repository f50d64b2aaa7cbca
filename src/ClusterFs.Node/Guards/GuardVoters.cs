using ClusterFs.Guard;
using ClusterFs.Lease.Voter;
using ClusterFs.Ownership;

namespace ClusterFs.Node.Guards;

/// <summary>The voters in the guards of all nodes.</summary>
internal sealed class GuardVoters(VoterClient client) : IVoters
{
    public async Task<VoterReply> AskAsync(string voter, VoterRequest request, TimeSpan timeout) => request switch
    {
        Probe probe => await client.ProbeAsync(voter, probe, timeout, CancellationToken.None).ConfigureAwait(false),
        Fence fence => await client.FenceAsync(voter, fence, timeout, CancellationToken.None).ConfigureAwait(false),
        Join join => await client.JoinAsync(voter, join, timeout, CancellationToken.None).ConfigureAwait(false),
        Release release => await client.ReleaseAsync(voter, release, timeout, CancellationToken.None).ConfigureAwait(false),
        _ => throw new ArgumentOutOfRangeException(nameof(request), request, "only holders renew"),
    };
}
