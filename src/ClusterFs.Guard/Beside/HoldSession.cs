using System.Runtime.InteropServices;
using System.Threading.Channels;
using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.Systemd;
using ClusterFs.Lease;

namespace ClusterFs.Guard.Beside;

/// <summary>
/// <c>clusterfs hold</c>: asks for a service that someone else starts and stops, says when it may be started, and stays for as long as it
/// is owned. It is the second executioner of a service that it can find.
/// </summary>
public sealed class HoldSession(HoldOptions options, TextWriter messages) : IDisposable
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan RefusalPoll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan KillPoll = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(20);

    private readonly Channel<Heard> _heard = Channel.CreateUnbounded<Heard>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Voice _voice = new(messages);
    private BesideAddresses? _addresses;
    private string? _said;
    private string? _unit;
    private string? _pidFile;
    private long _runningEpoch;
    private bool _stopWanted;
    private Instant? _killAt;
    private Instant? _stopAt;

    /// <summary>
    /// The guard and this process find the service by themselves; else the end of this process counts as the service's. As the guard says, so
    /// that neither leaves the stopping to the other.
    /// </summary>
    private bool IsServiceKnown => _unit is not null || _pidFile is not null;

    public void Dispose() => _voice.Dispose();

    /// <summary>Until the ownership ends, or is given up.</summary>
    /// <returns>The exit code: 0 when told to end, 3 when ownership ended otherwise.</returns>
    public async Task<int> RunAsync()
    {
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var over = new CancellationTokenSource();
        var looking = LookForRefusalAsync(over.Token);
        try
        {
            return await HoldAsync().ConfigureAwait(false);
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            await looking.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<int> HoldAsync()
    {
        while (true)
        {
            await using var line = new AttachLine(
                options.Socket,
                new AttachRequest { Service = options.Service, Mode = AttachMode.Hold, Process = Environment.ProcessId },
                (from, told) => _heard.Writer.TryWrite(new Heard(from, told, null)),
                (from, reason) => _heard.Writer.TryWrite(new Heard(from, null, reason)));
            if (await FollowAsync(line).ConfigureAwait(false) is { } exit)
            {
                return exit;
            }

            if (_runningEpoch > 0)
            {
                Say("the guard is gone: stopping the service");
                await StopServiceAsync().ConfigureAwait(false);
                return _stopWanted ? ExitCodes.Done : ExitCodes.Refused;
            }

            if (_stopWanted)
            {
                return ExitCodes.Done;
            }

            Say($"the guard does not answer on {options.Socket}; waiting for it");
            await Task.Delay(RetryAfter).ConfigureAwait(false);
        }
    }

    /// <returns>Null when the stream ended.</returns>
    private async Task<int?> FollowAsync(AttachLine line)
    {
        AttachEvent? last = null;
        while (true)
        {
            var heard = await NextAsync().ConfigureAwait(false);
            if (heard is null)
            {
                Say("the lease runs out: stopping the service");
                await StopServiceAsync().ConfigureAwait(false);
                return ExitCodes.Refused;
            }

            if (heard.Refusal is { } refusal)
            {
                if (_runningEpoch > 0 || last is null or { Phase: not (Phase.None or Phase.Closed) })
                {
                    continue;
                }

                return Refuse(refusal);
            }

            if (heard.Line is null)
            {
                _stopWanted = true;
                ServiceManagerNotice.Stopping();
                if (last is null or { Phase: Phase.None or Phase.Closed })
                {
                    return ExitCodes.Done;
                }

                AskToStop(line, last);
                continue;
            }

            if (heard.Line != line)
            {
                continue;
            }

            if (heard.Told is not { } told)
            {
                return null;
            }

            if (told.HasRefused)
            {
                Say(told.Refused);
                if (told.Refusal != AttachRefusal.Stopping)
                {
                    return told.Refusal is AttachRefusal.UnknownService or AttachRefusal.NeedsRun ? ExitCodes.Usage : ExitCodes.Refused;
                }

                continue;
            }

            (_addresses ??= new BesideAddresses(Say)).Learn(told.Addresses);
            _unit = told.Unit.Length > 0 ? told.Unit : null;
            _pidFile = told.PidFile.Length > 0 ? told.PidFile : null;
            if (last is null && _stopWanted)
            {
                AskToStop(line, told);
            }

            last = told;
            if (Follow(told) is { } exit)
            {
                return exit;
            }
        }
    }

    /// <returns>Null when the deadline has come without a word of the guard.</returns>
    private async Task<Heard?> NextAsync()
    {
        if (_stopAt is not { } stopAt)
        {
            return await _heard.Reader.ReadAsync().ConfigureAwait(false);
        }

        var remaining = stopAt.LeastRemaining(GuardClock.Now);
        using var limit = new CancellationTokenSource(remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero);
        try
        {
            return await _heard.Reader.ReadAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    private int? Follow(AttachEvent told)
    {
        if (told.StopAtBoottime != 0 && _runningEpoch == told.Epoch)
        {
            SetDeadlines(told);
        }

        switch (told.Phase)
        {
            case Phase.Running when _runningEpoch == 0:
                _runningEpoch = told.Epoch;
                SetDeadlines(told);
                Say($"ready as epoch {told.Epoch}");
                ServiceManagerNotice.Status($"epoch {told.Epoch}");
                ServiceManagerNotice.Ready();
                return null;
            case Phase.Stopping or Phase.Draining when _runningEpoch == told.Epoch && !_stopWanted && !IsServiceKnown:
                // Whoever started the service stops it when this process ends, and only then.
                Say($"stopping: {Reason(told)}");
                return ExitCodes.Refused;
            case Phase.Stopping or Phase.Drained:
                // The service is stopped by the guard, or dead: no deadline of its own is left to enforce.
                _stopAt = told.Phase == Phase.Drained ? null : _stopAt;
                return null;
            case Phase.None or Phase.Closed when _stopWanted:
                return ExitCodes.Done;
            case Phase.None or Phase.Closed when told.HasEnded && _runningEpoch == 0:
                return Refuse($"it cannot start here: {Reason(told)}");
            case Phase.None or Phase.Closed when _runningEpoch > 0:
                Say($"stopped: {Reason(told)}");
                return ExitCodes.Refused;
            case Phase.None or Phase.Closed:
                Say($"waiting for {options.Service}");
                return null;
            default:
                return null;
        }
    }

    private int Refuse(string refusal)
    {
        if (_unit is not { } unit || !ServiceJournal.TrySay(unit, $"{options.Service}: {refusal}"))
        {
            Say(refusal);
        }

        ServiceManagerNotice.Status(refusal);
        return ExitCodes.Refused;
    }

    private void SetDeadlines(AttachEvent told)
    {
        _stopAt = new Instant(new TimeSpan(told.StopAtBoottime), new TimeSpan(told.StopAtMonotonicRaw));
        _killAt = new Instant(new TimeSpan(told.KillAtBoottime), new TimeSpan(told.KillAtMonotonicRaw));
    }

    private void AskToStop(AttachLine line, AttachEvent last)
    {
        line.Send(new AttachMessage { Stop = new StopRequest() });
        if (!IsServiceKnown)
        {
            // A stop hook, or systemd's order of units, comes here only once the service is stopped.
            line.Send(new AttachMessage { Exited = new ServiceExited { Epoch = last.Epoch, Stopped = true } });
        }
    }

    /// <summary>Without the guard: asks, and kills at the last deadline that was heard of.</summary>
    private async Task StopServiceAsync()
    {
        if (!IsServiceKnown)
        {
            // Only the end of this process has the service stopped: the address goes beside that, or with its time.
            _addresses?.Leave();
            _addresses?.FinishLeaving(AtOnce);
            return;
        }

        var processes = new ServiceProcesses
        {
            Beside = ProcessTable.Find(Environment.ProcessId)!.Identity,
            PidFile = _pidFile,
            Unit = _unit,
        };
        var unitStopped = _unit is not null && await TryStopUnitAsync(_unit).ConfigureAwait(false);
        using var poll = new PeriodicTimer(KillPoll);
        var empty = 0;
        var asked = false;
        var everFound = false;
        bool isDue;
        do
        {
            var found = processes.FindIn(ProcessTable.Read());
            empty = found.Count == 0 ? empty + 1 : 0;
            everFound |= found.Count > 0;
            isDue = _killAt is not { } killAt || killAt.MayHaveComeBy(GuardClock.Now);
            if (isDue)
            {
                _addresses?.Leave();
                Complain(processes.Kill(found));
            }
            else if (!asked && found.Count > 0 && !unitStopped)
            {
                asked = true;
                Complain(processes.TerminateEach(found));
            }
        }
        while ((empty < 2 || !(everFound || unitStopped || isDue)) && await poll.WaitForNextTickAsync().ConfigureAwait(false));
        _addresses?.Leave();
        _addresses?.FinishLeaving();
    }

    /// <returns>False when systemd did not answer before the service must be killed.</returns>
    private async Task<bool> TryStopUnitAsync(string unit)
    {
        var remaining = _killAt?.LeastRemaining(GuardClock.Now) ?? TimeSpan.Zero;
        try
        {
            await Task.Run(() => SystemdUnit.BeginStop(unit))
                .WaitAsync(remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException or TimeoutException)
        {
            Say($"{unit} cannot be stopped: {e.Message}");
            return false;
        }
    }

    /// <summary>Told again and again: what the guard says first is waited for, because a service that was granted to this node is not refused.</summary>
    private async Task LookForRefusalAsync(CancellationToken over)
    {
        if (options.FindRefusal is not { } find)
        {
            return;
        }

        try
        {
            using var timer = new PeriodicTimer(RefusalPoll);
            do
            {
                if (await find(over).ConfigureAwait(false) is { } refusal)
                {
                    _ = _heard.Writer.TryWrite(new Heard(null, null, null, refusal));
                }
            }
            while (_runningEpoch == 0 && await timer.WaitForNextTickAsync(over).ConfigureAwait(false));
        }
        catch (OperationCanceledException)
        {
            // The session is over.
        }
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        _ = _heard.Writer.TryWrite(new Heard(null, null, null));
    }

    private void Complain(IReadOnlyList<string> problems)
    {
        foreach (var problem in problems)
        {
            Say($"a process cannot be signalled: {problem}");
        }
    }

    private static string Reason(AttachEvent told) => told.HasReason ? told.Reason : "the epoch is over";

    private void Say(string message)
    {
        if (message != _said)
        {
            _said = message;
            _voice.Say($"clusterfs: {options.Service}: {message}");
        }
    }

    /// <param name="Line">Where it was heard; null for a signal.</param>
    /// <param name="Told">Null when the line ended.</param>
    /// <param name="Refusal">Why there is no use in waiting.</param>
    private sealed record Heard(AttachLine? Line, AttachEvent? Told, string? Ended, string? Refusal = null);
}
