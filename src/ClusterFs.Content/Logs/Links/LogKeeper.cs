using ClusterFs.Archive.Capture;
using ClusterFs.Configuration;

namespace ClusterFs.Content.Logs.Links;

/// <summary>
/// Keeps one link of this node: has it lead to shared storage, or to the spool while that is away, and moves what the node's disk holds. Two
/// threads: the one for the link never waits for shared storage, the one that moves may hang with it.
/// </summary>
internal sealed class LogKeeper : IDisposable
{
    private static readonly TimeSpan ReopenTimeout = TimeSpan.FromSeconds(30);

    /// <summary>The service may not have run yet.</summary>
    private static readonly TimeSpan ReopenAgain = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan RotationPatience = TimeSpan.FromMinutes(10);

    private readonly ServiceSettings _service;
    private readonly string _node;
    private readonly string _shared;
    private readonly string _link;
    private readonly LogKeeperPace _pace;
    private readonly TimeProvider _time;
    private readonly Action<string> _say;
    private readonly LogLink _place;
    private readonly SharedWatch _watch;
    private readonly CancellationTokenSource _ending = new();
    private readonly Dictionary<string, long> _setAsideAt = new(StringComparer.Ordinal);
    private readonly HashSet<SeenSame> _seenSame = [];
    private readonly List<Thread> _threads = [];
    private volatile LogLinkState _state;
    private volatile MoveOutcome _moved = new(IsDone: true, 0, null);
    private volatile bool _sharedIsThere;
    private long? _thereSince;
    private string _said = "";
    private string? _reopenProblem;
    private long _reopenedAt;
    private int _reopenedTurn;
    private long? _rotatingSince;

    /// <param name="say">Told of every change.</param>
    public LogKeeper(Settings settings, ServiceSettings service, string link, LogKeeperPace pace, TimeProvider time, Action<string> say)
    {
        (_service, _node, _shared, _link, _pace, _time, _say) = (service, settings.Node.Name, settings.Shared.Path, link, pace, time, say);
        var target = LogLayout.Target(_shared, service.Name, _node, link);
        _place = new LogLink(link, target, time, static _ => { });
        _watch = new SharedWatch(new SharedLogs(_shared, target, _node).Check, pace.Patience);
        _state = new LogLinkState(link, LogsGo.Elsewhere, time.GetUtcNow(), 0, 0, null);
    }

    public LogLinkState State => _state;

    /// <summary>Begins to do it, until disposed.</summary>
    public void Start()
    {
        foreach (var (work, name) in new[] { ((Action)KeepLink, "logs"), (Move, "moving logs") })
        {
            var thread = new Thread(() => Repeat(work)) { IsBackground = true, Name = $"{name} of {_service.Name}" };
            _threads.Add(thread);
            thread.Start();
        }
    }

    public void Dispose()
    {
        _ending.Cancel();

        // One that hangs with shared storage ends with the process.
        _threads.ForEach(thread => thread.Join(_pace.Patience));
    }

    private void Repeat(Action work)
    {
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                work();
            }
            catch (OperationCanceledException)
            {
                // The daemon ends.
            }
#pragma warning disable CA1031 // Whatever it is, logs must not end the daemon.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                _state = _state with { Problem = $"unexpected: {failure.GetType().Name}: {failure.Message}" };
            }

            _ending.Token.WaitHandle.WaitOne(_pace.Between);
        }
    }

    private void KeepLink()
    {
        string? problem = null;
        try
        {
            var found = _place.Look();
            var owner = _place.Owner;
            var (sharedOwner, away) = _watch.Ask(owner, isNew: found == LinkKind.Directory);
            _thereSince = away is not null ? null : _thereSince ?? _time.GetTimestamp();
            _sharedIsThere = away is null;

            // Storage that comes and goes must not have a service open its logs all the time.
            var toShared = away is null && (found != LinkKind.Spool || _time.GetElapsedTime(_thereSince!.Value) >= _pace.ReturnAfter);
            problem = away;
            toShared = toShared && (found != LinkKind.Spool || !IsRotating());
            var hasWaiting = _place.Waiting.Count > 0;
            var settledOwner = sharedOwner ?? owner ?? DirectoryOwner.OfThisProcess;
            SpaceReserve.Use(LogLayout.LocalDirectory(_link), () => _place.Settle(toShared, settledOwner));
            if (_place.Waiting.Count == 0)
            {
                // What waits may need it, to be moved.
                SpaceReserve.Keep(LogLayout.LocalDirectory(_link));
            }

            ReopenWhereNeeded(isSettled: toShared && !hasWaiting);
            problem = string.Join("; ", new[] { problem, _reopenProblem }.OfType<string>()) is { Length: > 0 } both ? both : null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            problem = failure.Message;
        }

        Show(problem);
    }

    private void Show(string? problem)
    {
        var go = _place.Look() switch
        {
            LinkKind.Shared => LogsGo.ToShared,
            LinkKind.Spool => LogsGo.ToSpool,
            _ => LogsGo.Elsewhere,
        };
        var before = _state;
        var moved = _moved;
        _state = new LogLinkState(
            _link, go, go == before.Go ? before.Since : _time.GetUtcNow(), WaitingBytes(), moved.StillOpen, problem ?? moved.Problem);
        var words = $"{_link} leads to {(go == LogsGo.ToShared ? "shared storage" : go == LogsGo.ToSpool ? "the spool on this node's disk" : "neither shared storage nor a spool")}"
            + (_state.Problem is { } text ? $": {text}" : "");
        if (words != _said)
        {
            _said = words;
            _say(words);
        }
    }

    private long WaitingBytes()
    {
        try
        {
            return _place.WaitingBytes;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Moved in this very moment.
            return _state.WaitingBytes;
        }
    }

    /// <summary>
    /// What a logrotate that is under way has renamed in the spool, it must not go on with on shared storage, where it would overwrite what is there.
    /// One that never ends is waited for no longer than logs may well stay in the spool.
    /// </summary>
    private bool IsRotating()
    {
        if (!Rotation.IsUnderWay())
        {
            _rotatingSince = null;
            return false;
        }

        _rotatingSince ??= _time.GetTimestamp();
        return _time.GetElapsedTime(_rotatingSince.Value) < RotationPatience;
    }

    /// <param name="isSettled">Nobody writes to where logs went before: a command that failed has not been missed.</param>
    private void ReopenWhereNeeded(bool isSettled)
    {
        if (!_place.IsReopenDue)
        {
            _reopenProblem = null;
            return;
        }

        var isUntried = _reopenProblem is null || _place.Turns != _reopenedTurn;
        if (_service.Logs!.Reopen is not { } command || (!isUntried && isSettled))
        {
            _reopenProblem = null;
            _place.Reopened();
        }
        else if (isUntried || _time.GetElapsedTime(_reopenedAt) >= ReopenAgain)
        {
            var turn = _place.Turns;
            var outcome = BoundedCommand.OfShell(command, "/", Guid.NewGuid().ToString("N"), new Dictionary<string, string>
            {
                ["CLUSTERFS_SERVICE"] = _service.Name,
                ["CLUSTERFS_NODE"] = _node,
                ["CLUSTERFS_PATH"] = _link,
            }).Run(ReopenTimeout, _ending.Token);
            _reopenProblem = outcome.Succeeded ? null : $"the reopen command failed: {outcome.Words}";
            (_reopenedAt, _reopenedTurn) = (_time.GetTimestamp(), turn);
            if (outcome.Succeeded)
            {
                _place.Reopened();
            }
        }
    }

    private void Move()
    {
        if (!_sharedIsThere)
        {
            // What is in the way is said by the thread that looks.
            _moved = _moved with { Problem = null };
            return;
        }

        var (open, problem) = (0, (string?)null);
        try
        {
            foreach (var directory in _place.Waiting)
            {
                var name = Path.GetFileName(directory);
                if (!_setAsideAt.TryGetValue(name, out var since))
                {
                    _setAsideAt[name] = since = _time.GetTimestamp();
                }

                try
                {
                    var to = Path.Combine(LogLayout.NodeDirectory(_shared, _service.Name, _node), LogLayout.MovedName(_link, name));
                    var outcome = new LogMove(directory, to, () => _time.GetElapsedTime(since) >= _pace.SettleAfter, _seenSame, static _ => { })
                        .Run(_ending.Token);
                    open += outcome.StillOpen;
                    problem ??= outcome.Problem;
                }
                catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
                {
                    // One directory that cannot be moved must not keep those after it here.
                    problem ??= failure.Message;
                }
            }

            LogMove.ForgetDone(LogLayout.LocalDirectory(_link));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            problem = failure.Message;
        }

        _moved = new MoveOutcome(IsDone: open == 0 && problem is null, open, problem);
    }
}

/// <summary>How often a link is looked at, and how long things may take.</summary>
/// <param name="Between">From one look to the next.</param>
/// <param name="Patience">For an answer of shared storage; then it is away.</param>
/// <param name="ReturnAfter">How long it has to be there before logs go there again.</param>
/// <param name="SettleAfter">How long after nothing leads to a file any more it may be taken for closed.</param>
internal sealed record LogKeeperPace(TimeSpan Between, TimeSpan Patience, TimeSpan ReturnAfter, TimeSpan SettleAfter)
{
    public static LogKeeperPace Usual { get; } =
        new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));
}
