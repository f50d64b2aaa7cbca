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
    public async Task<StatusReply> GetAsync(TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            return await new LocalGuard.LocalGuardClient(_channel)
                .StatusAsync(new StatusRequest(), new CallOptions(cancellationToken: limit.Token)).ConfigureAwait(false);
        }
        catch (RpcException e)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new GuardUnreachableException(
                socket, limit.IsCancellationRequested ? $"no answer within {timeout.TotalSeconds:0.###} s" : e.Status.Detail, e);
        }
    }

    /// <returns>Null when the service is not this node's.</returns>
    public async Task<ServiceReport?> GetAsync(string service, TimeSpan timeout, CancellationToken cancellation) =>
        (await GetAsync(timeout, cancellation).ConfigureAwait(false)).Services.FirstOrDefault(report => report.Service == service);

    public void Dispose() => _channel.Dispose();
}

/// <summary>The guard of this node does not answer.</summary>
public sealed class GuardUnreachableException(string socket, string problem, Exception inner)
    : Exception($"the guard does not answer on {socket}: {problem}", inner);
