using System.Threading.Channels;
using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.Transport;
using ClusterFs.Lease;
using Grpc.Core;
using Grpc.Net.Client;

namespace ClusterFs.Guard;

/// <summary>What a daemon hears from its guard.</summary>
public abstract record GuardLinkEvent;

/// <summary>The stream stands; a report on every service follows.</summary>
public sealed record GuardConnected : GuardLinkEvent;

/// <summary>The stream broke, or could not be had. Said once until the next <see cref="GuardConnected"/>.</summary>
/// <param name="Reason">For people.</param>
public sealed record GuardDisconnected(string Reason) : GuardLinkEvent;

/// <summary>All there is to know of one service, as of when the guard said it.</summary>
/// <param name="ReadAt">When it was read from the socket; it may have lain there.</param>
public sealed record ServiceReported(ServiceReport Report, Instant ReadAt) : GuardLinkEvent;

/// <summary>
/// A daemon's line to the guard of its node: keeps the Supervise stream, and takes it up again when it breaks. Thread-safe.
/// </summary>
public sealed class GuardLink : IAsyncDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(250);

    private readonly Channel<GuardLinkEvent> _events = Channel.CreateUnbounded<GuardLinkEvent>(new UnboundedChannelOptions { SingleWriter = true });
    private readonly CancellationTokenSource _over = new();
    private readonly GrpcChannel _channel;
    private readonly TimeProvider _time;
    private readonly Task _loop;
    private volatile Channel<SuperviseCommand>? _commands;

    /// <summary>Connects, and goes on trying until disposed.</summary>
    /// <param name="socket">The guard's Unix socket.</param>
    public GuardLink(string socket, TimeProvider? time = null)
    {
        _time = time ?? TimeProvider.System;
        _channel = GuardChannels.ToSocket(socket);
        _loop = Task.Run(LoopAsync);
    }

    /// <summary>Ends when the link is disposed. For one reader.</summary>
    public ChannelReader<GuardLinkEvent> Events => _events.Reader;

    /// <summary>Hands a command to the guard, without waiting for it.</summary>
    /// <returns>
    /// False when there is no connection. True promises nothing: what became of it is in the reports, and a command may be repeated at will.
    /// </returns>
    public bool TrySend(SuperviseCommand command) => _commands?.Writer.TryWrite(command) ?? false;

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _channel.Dispose();
        _over.Dispose();
    }

    private async Task LoopAsync()
    {
        var said = false;
        try
        {
            while (true)
            {
                string reason;
                try
                {
                    await SuperviseAsync(() => said = false).ConfigureAwait(false);
                    reason = "the guard ended the stream";
                }
                catch (RpcException e)
                {
                    reason = e.Status.Detail;
                }

                _over.Token.ThrowIfCancellationRequested();
                if (!said)
                {
                    _ = _events.Writer.TryWrite(new GuardDisconnected(reason));
                    said = true;
                }

                await Task.Delay(RetryAfter, _time, _over.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            _events.Writer.Complete();
        }
    }

    private async Task SuperviseAsync(Action connected)
    {
        var commands = Channel.CreateUnbounded<SuperviseCommand>(new UnboundedChannelOptions { SingleReader = true });
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_over.Token);
        using var call = new LocalGuard.LocalGuardClient(_channel).Supervise(cancellationToken: ended.Token);
        var sending = Task.CompletedTask;
        try
        {
            var first = true;
            while (await call.ResponseStream.MoveNext(ended.Token).ConfigureAwait(false))
            {
                if (first)
                {
                    first = false;
                    connected();
                    _commands = commands;
                    sending = SendAsync(call.RequestStream, commands.Reader, ended.Token);
                    _ = _events.Writer.TryWrite(new GuardConnected());
                }

                _ = _events.Writer.TryWrite(new ServiceReported(call.ResponseStream.Current, GuardClock.Now));
            }
        }
        finally
        {
            _commands = null;
            await ended.CancelAsync().ConfigureAwait(false);
            await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task SendAsync(
        IClientStreamWriter<SuperviseCommand> stream, ChannelReader<SuperviseCommand> commands, CancellationToken cancellation)
    {
        await foreach (var command in commands.ReadAllAsync(cancellation).ConfigureAwait(false))
        {
            await stream.WriteAsync(command, cancellation).ConfigureAwait(false);
        }
    }
}
