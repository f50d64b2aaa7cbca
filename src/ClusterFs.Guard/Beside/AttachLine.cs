using System.Threading.Channels;
using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.Transport;
using Grpc.Core;
using Grpc.Net.Client;

namespace ClusterFs.Guard.Beside;

/// <summary>One attachment to the guard: from the first message to the end of the stream. A new one is made for each attempt.</summary>
internal sealed class AttachLine : IAsyncDisposable
{
    private readonly Channel<AttachMessage> _messages = Channel.CreateUnbounded<AttachMessage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _over = new();
    private readonly GrpcChannel _channel;
    private readonly Task _loop;

    /// <param name="heard">An event of the guard; on any thread, one after the other.</param>
    /// <param name="ended">The stream is over, and why; once.</param>
    public AttachLine(string socket, AttachRequest request, Action<AttachLine, AttachEvent> heard, Action<AttachLine, string> ended)
    {
        _channel = GuardChannels.ToSocket(socket);
        _ = _messages.Writer.TryWrite(new AttachMessage { Attach = request });
        _loop = Task.Run(() => RunAsync(heard, ended));
    }

    public void Send(AttachMessage message) => _ = _messages.Writer.TryWrite(message);

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _channel.Dispose();
        _over.Dispose();
    }

    private async Task RunAsync(Action<AttachLine, AttachEvent> heard, Action<AttachLine, string> ended)
    {
        string reason;
        try
        {
            using var call = new LocalGuard.LocalGuardClient(_channel).Attach(cancellationToken: _over.Token);
            var sending = SendAsync(call.RequestStream);
            while (await call.ResponseStream.MoveNext(_over.Token).ConfigureAwait(false))
            {
                heard(this, call.ResponseStream.Current);
            }

            _ = _messages.Writer.TryComplete();
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            reason = "the guard ended the stream";
        }
        catch (RpcException e)
        {
            reason = e.Status.Detail;
        }
        catch (OperationCanceledException)
        {
            reason = "given up";
        }
        catch (Exception e)
        {
            // Whatever it is, the session must hear that this line is over, or it would never make another.
            reason = e.Message;
        }

        ended(this, reason);
    }

    private async Task SendAsync(IClientStreamWriter<AttachMessage> stream)
    {
        await foreach (var message in _messages.Reader.ReadAllAsync(_over.Token).ConfigureAwait(false))
        {
            await stream.WriteAsync(message, _over.Token).ConfigureAwait(false);
        }
    }
}
