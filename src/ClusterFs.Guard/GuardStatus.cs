using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.Transport;
using Grpc.Core;
using Grpc.Net.Client;

namespace ClusterFs.Guard;

/// <summary>Asks the guard of this node how things are. Thread-safe.</summary>
public sealed class GuardStatus(string socket) : IDisposable
{
    private readonly GrpcChannel _channel = GuardChannels.ToSocket(socket);

    /// <exception cref="GuardUnreachableException">No answer within the time.</exception>
    public Task<StatusReply> GetAsync(TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync((guard, options) => guard.StatusAsync(new StatusRequest(), options), timeout, cancellation);

    /// <summary>What the guard has counted since it started.</summary>
    /// <exception cref="GuardUnreachableException">No answer within the time, or an older guard that does not count.</exception>
    public Task<FiguresReply> GetFiguresAsync(TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync((guard, options) => guard.FiguresAsync(new FiguresRequest(), options), timeout, cancellation);

    /// <returns>Null when the service is not this node's.</returns>
    public async Task<ServiceReport?> GetAsync(string service, TimeSpan timeout, CancellationToken cancellation) =>
        (await GetAsync(timeout, cancellation).ConfigureAwait(false)).Services.FirstOrDefault(report => report.Service == service);

    public void Dispose() => _channel.Dispose();

    private async Task<T> AskAsync<T>(
        Func<LocalGuard.LocalGuardClient, CallOptions, AsyncUnaryCall<T>> ask, TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            return await ask(new LocalGuard.LocalGuardClient(_channel), new CallOptions(cancellationToken: limit.Token)).ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new GuardUnreachableException(
                socket, limit.IsCancellationRequested ? $"no answer within {timeout.TotalSeconds:0.###} s" : e.Status.Detail, e);
        }
    }
}

/// <summary>The guard of this node does not answer.</summary>
public sealed class GuardUnreachableException(string socket, string problem, Exception inner)
    : Exception($"the guard does not answer on {socket}: {problem}", inner);
