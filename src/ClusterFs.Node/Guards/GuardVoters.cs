using ClusterFs.Guard;
using ClusterFs.Guard.SqlVoting;
using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;
using ClusterFs.Ownership;

namespace ClusterFs.Node.Guards;

/// <summary>The voters: in the guards of all nodes, and in the journal's database.</summary>
internal sealed class GuardVoters(VoterClient client, SqlVoterShell sqlVoter) : IVoters
{
    public async Task<VoterReply> AskAsync(string voter, VoterRequest request, TimeSpan timeout) => request switch
    {
        Probe or Fence or Join when voter == SqlVoterMachine.Name =>
            await sqlVoter.AskAsync(request).WaitAsync(timeout, TimeProvider.System).ConfigureAwait(false),
        Probe probe => await client.ProbeAsync(voter, probe, timeout, CancellationToken.None).ConfigureAwait(false),
        Fence fence => await client.FenceAsync(voter, fence, timeout, CancellationToken.None).ConfigureAwait(false),
        Join join => await client.JoinAsync(voter, join, timeout, CancellationToken.None).ConfigureAwait(false),
        Release release => await client.ReleaseAsync(voter, release, timeout, CancellationToken.None).ConfigureAwait(false),
        _ => throw new ArgumentOutOfRangeException(nameof(request), request, "only holders renew"),
    };
}
