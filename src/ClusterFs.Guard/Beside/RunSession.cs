using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Posix;

namespace ClusterFs.Guard.Beside;

/// <summary>
/// <c>clusterfs run</c>: waits as a candidate, has the service started through the gate, and is the second executioner: it kills the
/// service when the guard is gone, or silent at the deadline. One thread does all of it; it also starts the children, which die with it.
/// </summary>
public sealed partial class RunSession : IDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(300);

    private readonly RunOptions _options;
    private readonly Voice _voice;
    private readonly BlockingCollection<Action> _work = [];
    private readonly ProcessIdentity _self;
    private readonly BesideAddresses _addresses;
    private AttachLine? _line;
    private AttachEvent? _last;
    private Child? _child;
    private long _lastEpoch;
    private Instant? _connectAt;
    private Instant? _refuseAt;
    private bool _stopWanted;
    private string? _said;
    private int? _exit;

    public RunSession(RunOptions options, TextWriter messages)
    {
        _options = options;
        _voice = new Voice(messages);
        _addresses = new BesideAddresses(Say);
        _self = ProcessTable.Find(Environment.ProcessId)!.Identity;
    }

    /// <summary>Blocks until the service is over.</summary>
    /// <returns>The exit code.</returns>
    public int Run()
    {
        // The children are killed when the thread that started them ends, so it must be one that lives as long as the process.
        var thread = new Thread(Loop) { Name = "beside" };
        thread.Start();
        thread.Join();
        return _exit!.Value;
    }

    public void Dispose()
    {
        _line?.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(1));
        _work.Dispose();
        _voice.Dispose();
    }

    private void Loop()
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException();
        }

        Processes.AdoptOrphans();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => OnSignal(context, Processes.SignalTerminate));
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => OnSignal(context, Processes.SignalInterrupt));
        using var child = PosixSignalRegistration.Create(PosixSignal.SIGCHLD, _ => _work.Add(Reap));
        _refuseAt = _options.Wait ? null : GuardClock.Now + _options.AtOnce;
        Connect();
        while (_exit is null)
        {
            if (_work.TryTake(out var work, NextLook()))
            {
                work();
            }

            Enforce();
        }

        KillTree();
        if (_child is not null)
        {
            _addresses.Leave();
        }

        _addresses.FinishLeaving();
    }

    private TimeSpan NextLook()
    {
        if (_child is { IsPursued: true } pursued)
        {
            return pursued.IsFrozen ? FrozenPoll : pursued.FoundEmpty < 2 ? KillPoll : RetryAfter;
        }

        var now = GuardClock.Now;
        var next = Timeout.InfiniteTimeSpan;
        foreach (var due in new[] { _child?.StopAt, _connectAt, _refuseAt })
        {
            if (due is { } instant)
            {
                var remaining = instant.LeastRemaining(now);
                remaining = remaining < TimeSpan.Zero ? TimeSpan.Zero : remaining;
                next = next == Timeout.InfiniteTimeSpan || remaining < next ? remaining : next;
            }
        }

        return next;
    }

    private void Connect()
    {
        _connectAt = null;
        _last = null;
        _line = new AttachLine(
            _options.Socket,
            new AttachRequest { Service = _options.Service, Mode = AttachMode.Run, Process = Environment.ProcessId },
            (line, told) => _work.Add(() => OnEvent(line, told)),
            (line, reason) => _work.Add(() => OnDown(line, reason)));
    }

    private void OnEvent(AttachLine line, AttachEvent told)
    {
        if (line != _line)
        {
            return;
        }

        if (told.HasRefused)
        {
            OnRefused(told);
            return;
        }

        if (_last is null && _stopWanted)
        {
            line.Send(new AttachMessage { Stop = new StopRequest() });
        }

        _last = told;
        _addresses.Learn(told.Addresses);
        if (_child is { } child && child.Epoch == told.Epoch && told.StopAtBoottime != 0)
        {
            child.StopAt = new Instant(new TimeSpan(told.StopAtBoottime), new TimeSpan(told.StopAtMonotonicRaw));
            child.KillAt = new Instant(new TimeSpan(told.KillAtBoottime), new TimeSpan(told.KillAtMonotonicRaw));
        }

        if (_child is { } older && older.Epoch < told.Epoch)
        {
            // What the guard says are levels: the end of the epoch before may never have been told. Its service is dead (R14).
            Forget("the epoch is over");
        }

        switch (told.Phase)
        {
            case Phase.Held or Phase.Running when _child is null && !_stopWanted && !told.HasEnded && told.Epoch > _lastEpoch:
                StartGate(told);
                break;
            case Phase.Running when _child is { Said: false } started:
                started.Said = true;
                _refuseAt = null;
                Say($"running as epoch {told.Epoch}");
                break;
            case Phase.Drained:
                Say("stopped; waiting for the last dump");
                break;
            case Phase.None or Phase.Closed or Phase.Acquiring:
                OnNothingRuns(told);
                break;
        }
    }

    private void OnNothingRuns(AttachEvent told)
    {
        if (told.Phase != Phase.Acquiring && told.HasEnded)
        {
            _exit = told.Ended;
            return;
        }

        if (_child is not null && told.Phase == Phase.Closed)
        {
            Forget(told.HasReason ? told.Reason : "the epoch is over");
        }

        if (told.Phase == Phase.Acquiring)
        {
            return;
        }

        if (_stopWanted)
        {
            _exit = ExitCodes.Done;
            return;
        }

        Say($"waiting for {_options.Service}");
    }

    private void Forget(string reason)
    {
        Say($"stopped: {reason}");
        _child = null;
    }

    private void OnRefused(AttachEvent told)
    {
        switch (told.Refusal)
        {
            case AttachRefusal.UnknownService or AttachRefusal.NeedsRun:
                Say(told.Refused);
                _exit = ExitCodes.Usage;
                break;
            case AttachRefusal.Taken:
                Say(told.Refused);
                _exit = ExitCodes.Refused;
                break;
            default:
                // The stream ends now, and the next guard is waited for.
                break;
        }
    }

    private void OnDown(AttachLine line, string reason)
    {
        if (line != _line || _exit is not null)
        {
            return;
        }

        _line = null;
        _ = line.DisposeAsync().AsTask();
        if (_child is { } child)
        {
            Say($"the guard is gone ({reason}): stopping the service");
            child.GuardGoneAt = GuardClock.Now;
            return;
        }

        AfterDown(reason);
    }

    private void AfterDown(string reason)
    {
        if (_stopWanted)
        {
            _exit = ExitCodes.Done;
        }
        else if (!_options.Wait)
        {
            Say($"the guard does not answer on {_options.Socket} ({reason}); is `clusterfs guard` running?");
            _exit = ExitCodes.Unreachable;
        }
        else
        {
            Say($"the guard does not answer on {_options.Socket}; waiting for it");
            _connectAt = GuardClock.Now + RetryAfter;
        }
    }

    private void StartGate(AttachEvent told)
    {
        _lastEpoch = told.Epoch;

        // What is still on its way off is off before the guard can put it on for what starts now.
        _addresses.FinishLeaving();
        _addresses.Replace(told.Addresses);
        var start = new ProcessStartInfo(_options.Executable)
        {
            ArgumentList =
            {
                "gate",
                "--socket", _options.Socket,
                "--service", _options.Service,
                "--token", told.GateToken,
                "--epoch", told.Epoch.ToString(CultureInfo.InvariantCulture),
                "--beside", Environment.ProcessId.ToString(CultureInfo.InvariantCulture),
                "--",
            },
        };
        foreach (var argument in _options.Command)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment[ServiceProcesses.Mark] = told.GateToken;
        start.Environment["CLUSTERFS_SERVICE"] = _options.Service;
        start.Environment["CLUSTERFS_EPOCH"] = told.Epoch.ToString(CultureInfo.InvariantCulture);
        var process = new Process { StartInfo = start, EnableRaisingEvents = true };
        var epoch = told.Epoch;
        process.Exited += (_, _) => _work.Add(() => OnExited(process, epoch));
        try
        {
            _ = process.Start();
        }
        catch (Win32Exception e)
        {
            Say($"{_options.Executable} cannot be started: {e.Message}");
            _line?.Send(new AttachMessage { Exited = new ServiceExited { Epoch = epoch, ExitCode = ExitCodes.Failed } });
            return;
        }

        _child = new Child(process, epoch, new ServiceProcesses
        {
            First = ProcessTable.Find(process.Id)?.Identity,
            Beside = _self,
        })
        {
            StopAt = new Instant(new TimeSpan(told.StopAtBoottime), new TimeSpan(told.StopAtMonotonicRaw)),
            KillAt = new Instant(new TimeSpan(told.KillAtBoottime), new TimeSpan(told.KillAtMonotonicRaw)),
        };
    }

    private void OnExited(Process process, long epoch)
    {
        if (_child is not { } child || child.Process != process)
        {
            return;
        }

        child.ExitCode = process.ExitCode;
        _line?.Send(new AttachMessage
        {
            Exited = new ServiceExited { Epoch = epoch, ExitCode = process.ExitCode, Stopped = child.IsPursued },
        });
    }

    private void OnSignal(PosixSignalContext context, int signal)
    {
        context.Cancel = true;
        _work.Add(() =>
        {
            if (_stopWanted)
            {
                Say("told to stop again: killing the service");
                _exit = ExitCodes.OfSignal(signal);
                return;
            }

            _stopWanted = true;
            if (_child is null && _last is not { Phase: not (Phase.None or Phase.Closed) })
            {
                _exit = ExitCodes.Done;
                return;
            }

            _line?.Send(new AttachMessage { Stop = new StopRequest() });
        });
    }

    /// <summary>What this process does of itself, whatever the guard does.</summary>
    private void Enforce()
    {
        var now = GuardClock.Now;
        if (_connectAt is { } connectAt && connectAt.MayHaveComeBy(now))
        {
            Connect();
        }

        if (_refuseAt is { } refuseAt && refuseAt.MayHaveComeBy(now) && _child is null)
        {
            Refuse();
        }

        if (_child is { } child && _exit is null)
        {
            Enforce(child, now);
        }
    }

    private void Refuse()
    {
        _refuseAt = null;
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        string? owner = null;
        try
        {
            owner = _options.FindOwner(patience.Token).GetAwaiter().GetResult();
        }
        catch (Exception e) when (e is IOException or HttpRequestException or OperationCanceledException)
        {
            // Nobody knows; the refusal stands all the same.
        }

        Say(owner is null ? $"{_options.Service} cannot be had at once" : $"{_options.Service} is owned by node {owner}");
        _exit = ExitCodes.Refused;
    }

    /// <summary>A state that lasts is said once.</summary>
    private void Say(string message)
    {
        if (message != _said)
        {
            _said = message;
            _voice.Say($"clusterfs: {_options.Service}: {message}");
        }
    }

    private sealed class Child(Process process, long epoch, ServiceProcesses processes)
    {
        public Process Process => process;

        public long Epoch => epoch;

        public ServiceProcesses Processes => processes;

        public required Instant StopAt { get; set; }

        public required Instant KillAt { get; set; }

        public Instant? GuardGoneAt { get; set; }

        /// <summary>This process has begun to stop the service.</summary>
        public bool IsPursued { get; set; }

        /// <summary>The lease was lost and the guard has frozen the service.</summary>
        public bool IsFrozen { get; set; }

        public bool Said { get; set; }

        public int? ExitCode { get; set; }

        public int? OwnEnd { get; set; }

        public int FoundEmpty { get; set; }
    }
}
