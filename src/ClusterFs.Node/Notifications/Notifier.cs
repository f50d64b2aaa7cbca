using System.Threading.Channels;
using ClusterFs.Configuration;
using ClusterFs.Ownership.Notifications;

namespace ClusterFs.Node.Notifications;

/// <summary>
/// Runs the notification commands of what this node decides: one at a time, in order, and never in the way of who has something to tell.
/// Thread-safe.
/// </summary>
internal sealed class Notifier : IAsyncDisposable
{
    /// <summary>However slow a command is, no more than so many wait for it.</summary>
    public const int Capacity = 100;

    private readonly Channel<Told> _waiting = Channel.CreateBounded<Told>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly CancellationTokenSource _over = new();
    private readonly Settings _settings;
    private readonly ILogger _log;
    private readonly Task _running;
    private long _succeeded;
    private long _failed;
    private long _dropped;

    public Notifier(Settings settings, ILoggerFactory logs)
    {
        _settings = settings;
        _log = logs.CreateLogger("clusterfs.notify");
        _running = RunAsync();
    }

    public NotifierFigures Figures => new(Interlocked.Read(ref _succeeded), Interlocked.Read(ref _failed), Interlocked.Read(ref _dropped));

    /// <summary>How many wait for their turn.</summary>
    public int Waiting => _waiting.Reader.Count;

    /// <summary>Has somebody told who wants to know. Returns at once.</summary>
    public void Tell(Notification notification)
    {
        if (_settings.NotifyOf(notification.Service ?? "") is { } command && command.On.Contains(NotificationCommand.NameOf(notification.Kind)))
        {
            _ = TryQueue(new Told(command, notification, null));
        }
    }

    /// <summary>Runs the command whatever it wants to know, after all that waits.</summary>
    /// <returns>Null where there is none, or no room.</returns>
    public async Task<NotificationResult?> TestAsync(Notification notification, CancellationToken cancellation)
    {
        var result = new TaskCompletionSource<NotificationResult>(TaskCreationOptions.RunContinuationsAsynchronously);
        return _settings.NotifyOf(notification.Service ?? "") is { } command && TryQueue(new Told(command, notification, result))
            ? await result.Task.WaitAsync(cancellation).ConfigureAwait(false)
            : null;
    }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _over.Dispose();
    }

    private bool TryQueue(Told one)
    {
        if (_waiting.Writer.TryWrite(one))
        {
            return true;
        }

        Interlocked.Increment(ref _dropped);
        _log.NotificationDropped(one.Name, one.Notification.Service ?? "", Capacity, one.Notification.Text);
        return false;
    }

    private async Task RunAsync()
    {
        await foreach (var one in _waiting.Reader.ReadAllAsync(_over.Token).ConfigureAwait(false))
        {
            var result = await RunAsync(one).ConfigureAwait(false);
            if (result.Succeeded)
            {
                Interlocked.Increment(ref _succeeded);
                _log.Notified(one.Name, one.Notification.Service ?? "", result.Outcome);
            }
            else
            {
                Interlocked.Increment(ref _failed);
                _log.NotNotified(one.Name, one.Notification.Service ?? "", result.Outcome, one.Notification.Text);
            }

            _ = one.Result?.TrySetResult(result);
        }
    }

    /// <summary>Whatever one command does, the next has its turn.</summary>
    private async Task<NotificationResult> RunAsync(Told one)
    {
        try
        {
            // On a thread of its own, which waits for it.
            return await Task.Factory.StartNew(
                () => NotificationCommand.Run(one.Command, one.Notification, _settings.Node.Name, _over.Token),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new NotificationResult(false, "the daemon ends, killed");
        }
        catch (Exception odd)
        {
            return new NotificationResult(false, odd.Message);
        }
    }

    private sealed record Told(NotificationSettings Command, Notification Notification, TaskCompletionSource<NotificationResult>? Result)
    {
        public string Name => NotificationCommand.NameOf(Notification.Kind);
    }
}

/// <summary>Since the daemon's start.</summary>
internal sealed record NotifierFigures(long Succeeded, long Failed, long Dropped);
