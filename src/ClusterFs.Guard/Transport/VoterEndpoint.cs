using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.Voting;
using ClusterFs.Lease.Voter;
using Grpc.Core;

namespace ClusterFs.Guard.Transport;

/// <summary>The voter on the wire.</summary>
internal sealed class VoterEndpoint(VoterShell voter) : VoterService.VoterServiceBase
{
    public override async Task<RenewBatchReply> Renew(RenewBatch request, ServerCallContext context)
    {
        var renewals = Read(() => VoterMapping.FromWire(request));
        var reply = new RenewBatchReply
        {
            Voter = voter.State.Name,
            Node = request.Node,
            BootId = request.BootId,
            Incarnation = request.Incarnation,
        };
        RpcException? failed = null;
        foreach (var answer in renewals.Select(AskAsync<RenewReply>).ToList())
        {
            try
            {
                reply.Items.Add(VoterMapping.ToWire(await answer.ConfigureAwait(false)));
            }
            catch (RpcException e)
            {
                // Left out: one that cannot be written must not cost the others their lease.
                failed = e;
            }
        }

        return reply.Items.Count == 0 && failed is not null ? throw failed : reply;
    }

    public override async Task<ProbeBatchReply> Probe(ProbeBatch request, ServerCallContext context)
    {
        var probes = Read(() => request.Items.Select(VoterMapping.FromWire).ToList());
        var reply = new ProbeBatchReply { Voter = voter.State.Name };
        foreach (var answer in await Task.WhenAll(probes.Select(AskAsync<ProbeReply>)).ConfigureAwait(false))
        {
            reply.Items.Add(VoterMapping.ToWire(answer));
        }

        return reply;
    }

    public override async Task<FenceMessageReply> Fence(FenceMessage request, ServerCallContext context) =>
        VoterMapping.ToWire(await AskAsync<FenceReply>(Read(() => VoterMapping.FromWire(request))).ConfigureAwait(false));

    public override async Task<ReleaseBatchReply> Release(ReleaseBatch request, ServerCallContext context)
    {
        var releases = Read(() => VoterMapping.FromWire(request));
        _ = await Task.WhenAll(releases.Select(AskAsync<ReleaseReply>)).ConfigureAwait(false);
        return new ReleaseBatchReply { Voter = voter.State.Name };
    }

    public override async Task<JoinMessageReply> Join(JoinMessage request, ServerCallContext context) =>
        VoterMapping.ToWire(await AskAsync<JoinReply>(Read(() => VoterMapping.FromWire(request))).ConfigureAwait(false));

    private static T Read<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (FormatException e)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, e.Message));
        }
    }

    private async Task<TReply> AskAsync<TReply>(VoterRequest request)
        where TReply : VoterReply
    {
        try
        {
            return (TReply)await voter.AskAsync(request).ConfigureAwait(false);
        }
        catch (VoterFailedException e)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, e.Message));
        }
    }
}
