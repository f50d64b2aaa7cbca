using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.State;
using ClusterFs.Guard.Supervision;
using ClusterFs.Posix;
using Grpc.Core;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Transport;

/// <summary>The daemon, the command line and the processes beside the services, on the Unix socket.</summary>
/// <param name="over">The guard ends: a stream that nobody else ends would hold up its voter's successor.</param>
internal sealed class LocalEndpoint(
    DaemonDesk daemon, Executioner executioner, GateKeeper gates, Levels levels, ChangeSignal changes, GuardIdentity identity,
    Func<FiguresReply> figures, ILogger log, CancellationToken over)
    : LocalGuard.LocalGuardBase
{
    public override async Task Supervise(
        IAsyncStreamReader<SuperviseCommand> requestStream, IServerStreamWriter<ServiceReport> responseStream, ServerCallContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, over);
        await daemon.ServeAsync(requestStream, responseStream, ended.Token).ConfigureAwait(false);
    }

    public override async Task Attach(
        IAsyncStreamReader<AttachMessage> requestStream, IServerStreamWriter<AttachEvent> responseStream, ServerCallContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, over);
        if (!await IsThereMoreAsync(requestStream, ended.Token).ConfigureAwait(false)
            || requestStream.Current.Attach is not { Mode: AttachMode.Run or AttachMode.Hold } request)
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, "the first message must be a request to attach"));
        }

        if (PeerProcess.Of(context, request.Process) is not { } process)
        {
            throw new RpcException(new Status(StatusCode.PermissionDenied, $"the caller is not process {request.Process}"));
        }

        var outcome = await executioner.AttachAsync(request.Service, request.Mode, process.Identity).ConfigureAwait(false);
        if (outcome.Attachment is not { } attachment)
        {
            await responseStream.WriteAsync(new AttachEvent { Refused = outcome.Reason, Refusal = outcome.Refusal }).ConfigureAwait(false);
            return;
        }

        try
        {
            await Task.WhenAll(HearAsync(attachment, requestStream, ended), TellAsync(attachment, responseStream, ended))
                .ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or RpcException or InvalidOperationException)
        {
            log.AttachmentEnded(attachment.Service, e.Message);
        }
        finally
        {
            executioner.Detach(attachment);
        }
    }

    public override async Task<GateReply> PassGate(GateRequest request, ServerCallContext context)
    {
        if (PeerProcess.Of(context, request.Process) is not { } process)
        {
            throw new RpcException(new Status(StatusCode.PermissionDenied, $"the caller is not process {request.Process}"));
        }

        var pass = await gates.WaitAsync(request.Service, request.GateToken, request.Epoch, process).ConfigureAwait(false);
        return new GateReply
        {
            Open = pass.Open,
            Epoch = pass.Epoch,
            StopAtBoottime = pass.StopAt.Boottime.Ticks,
            StopAtMonotonicRaw = pass.StopAt.MonotonicRaw.Ticks,
        };
    }

    public override Task<StatusReply> Status(StatusRequest request, ServerCallContext context)
    {
        var reply = new StatusReply
        {
            Node = identity.Node,
            VoterIdentity = identity.Voter.ToString("N"),
            DaemonAttached = daemon.IsAttached,
            Stopping = daemon.IsEnding,
        };
        reply.Services.AddRange(levels.Reports());
        return Task.FromResult(reply);
    }

    public override Task<FiguresReply> Figures(FiguresRequest request, ServerCallContext context) => Task.FromResult(figures());

    private async Task<bool> IsThereMoreAsync(IAsyncStreamReader<AttachMessage> messages, CancellationToken ended)
    {
        try
        {
            return await messages.MoveNext(ended).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "the guard is stopping"));
        }
    }

    /// <summary>Until the other side ends the stream, in whatever way.</summary>
    private async Task HearAsync(Attachment attachment, IAsyncStreamReader<AttachMessage> messages, CancellationTokenSource ended)
    {
        try
        {
            while (await messages.MoveNext(ended.Token).ConfigureAwait(false))
            {
                switch (messages.Current.MessageCase)
                {
                    case AttachMessage.MessageOneofCase.Stop:
                        executioner.StopWanted(attachment);
                        break;
                    case AttachMessage.MessageOneofCase.Exited:
                        var exited = messages.Current.Exited;
                        executioner.Exited(attachment, exited.Epoch, exited.ExitCode, exited.Stopped);
                        break;
                }
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Until the other side has gone, or nothing will change any more and it has heard the last of it.</summary>
    private async Task TellAsync(Attachment attachment, IServerStreamWriter<AttachEvent> events, CancellationTokenSource ended)
    {
        try
        {
            using var listener = changes.Listen(attachment.Service);
            AttachEvent? last = null;
            while (true)
            {
                _ = await listener.WaitAsync(ended.Token).ConfigureAwait(false);
                var next = levels.EventFor(attachment);
                if (!next.Equals(last))
                {
                    await events.WriteAsync(next, ended.Token).ConfigureAwait(false);
                    last = next;
                }
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
        }
    }
}

/// <summary>Who this guard is.</summary>
internal sealed record GuardIdentity(string Node, Guid Voter);
