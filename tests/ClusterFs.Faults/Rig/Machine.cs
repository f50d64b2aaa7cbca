using ClusterFs.Demo;
using ClusterFs.Demo.Processes;
using ClusterFs.Faults.Schedule;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Rig;

/// <summary>
/// A node as hardware with a service manager on it: starts what has ended again, after a delay, and can lose its power. Safe for
/// concurrent callers.
/// </summary>
internal sealed class Machine : IAsyncDisposable
{
    /// <summary>What README.md asks the service manager to wait.</summary>
    public static readonly TimeSpan RestartDelay = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(10);

    private readonly NodeDisk _disk;
    private readonly SharedMount _shared;
    private readonly IReadOnlyList<string> _services;
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Dictionary<string, TimeSpan> _endedAt = [];
    private readonly Task _keeping;
    private bool _isOn = true;

    public Machine(ClusterNode node, NodeDisk disk, SharedMount shared, IReadOnlyList<string> services)
    {
        Node = node;
        _disk = disk;
        _shared = shared;
        _services = services;
        Directory.CreateDirectory(Path.GetDirectoryName(node.Socket)!);
        _keeping = Task.Run(Keep);
    }

    public ClusterNode Node { get; }

    /// <summary>How often each of its programs ended without being told to.</summary>
    public int Restarts { get; private set; }

    /// <summary>Sends a signal to some processes of the node, as they are now.</summary>
    public void Signal(Part part, int signal)
    {
        foreach (var process in ProcessesOf(part))
        {
            Posix.Processes.Signal(process, signal);
        }
    }

    /// <summary>SIGKILL to all, again and again for a moment: one may start another while it is looked for.</summary>
    public void KillEverything()
    {
        for (var attempt = 0; attempt < 3; attempt++)
        {
            LocalCluster.KillAll(Node.Processes());
        }
    }

    public async Task PowerOff()
    {
        await _turn.WaitAsync();
        try
        {
            _isOn = false;
            KillEverything();
            // Who waits for an answer of the shared directory dies only with its client.
            await _shared.Break();
            await Eventually.True($"no process of {Node.Name} is left", KillPatience, () => LocalCluster.KillAll(Node.Processes()));
            await _disk.PowerOff();
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <param name="replaceDisk">The old one is lost with all that was on it.</param>
    public async Task PowerOn(bool replaceDisk = false)
    {
        await _turn.WaitAsync();
        try
        {
            await (replaceDisk ? _disk.Format() : _disk.PowerOn());
            foreach (var service in _services)
            {
                Directory.CreateDirectory(Node.LivePath(service));
            }

            await _shared.Repair();
            _endedAt.Clear();
            StartAll();
            _isOn = true;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Starts nothing again from now on. May be called twice.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _keeping;
    }

    private IEnumerable<int> ProcessesOf(Part part) => part switch
    {
        Part.Guard => Living(Node.Guard),
        Part.Daemon => Living(Node.Daemon),
        Part.GuardAndDaemon => [.. Living(Node.Guard), .. Living(Node.Daemon)],
        Part.Beside => Node.Runs.Values.SelectMany(Living),
        Part.Service => _services.SelectMany(Node.ProcessesOf),
        Part.Everything => Node.Processes(),
        _ => throw new ArgumentOutOfRangeException(nameof(part), part, "unknown part"),
    };

    private static IEnumerable<int> Living(LaunchedProcess? process) => process is { HasExited: false } ? [process.Id] : [];

    private async Task Keep()
    {
        StartAll();
        while (!_stop.IsCancellationRequested)
        {
            await _turn.WaitAsync();
            try
            {
                if (_isOn)
                {
                    StartEnded();
                }
            }
            finally
            {
                _turn.Release();
            }

            await Task.WhenAny(Task.Delay(Look, _stop.Token));
        }
    }

    private void StartAll()
    {
        Node.StartGuard();
        Node.StartDaemon();
        foreach (var service in _services)
        {
            Node.StartRun(service);
        }
    }

    private void StartEnded()
    {
        StartIfDue("guard", Node.Guard, Node.StartGuard);
        StartIfDue("daemon", Node.Daemon, Node.StartDaemon);
        foreach (var service in _services)
        {
            StartIfDue(service, Node.Runs.GetValueOrDefault(service), () => Node.StartRun(service));
        }
    }

    private void StartIfDue(string name, LaunchedProcess? process, Action start)
    {
        if (process is { HasExited: false })
        {
            _endedAt.Remove(name);
        }
        else if (!_endedAt.TryGetValue(name, out var endedAt))
        {
            _endedAt[name] = MachineClock.Boottime;
        }
        else if (MachineClock.Boottime - endedAt >= RestartDelay)
        {
            _endedAt.Remove(name);
            Restarts++;
            start();
        }
    }
}
