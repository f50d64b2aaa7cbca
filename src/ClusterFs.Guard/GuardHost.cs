using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Guard.Addresses;
using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Holding;
using ClusterFs.Guard.SqlVoting;
using ClusterFs.Guard.State;
using ClusterFs.Guard.Supervision;
using ClusterFs.Guard.Systemd;
using ClusterFs.Guard.Transport;
using ClusterFs.Guard.Voting;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;
using ClusterFs.Posix;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard;

/// <summary>
/// A guard: the node's voter, the holder of its leases and the executioner of its services. Its parts are put together here and nowhere
/// else. Not thread-safe.
/// </summary>
public sealed class GuardHost : IAsyncDisposable
{
    private static readonly TimeSpan ReleasePatience = TimeSpan.FromSeconds(2);

    /// <summary>For calls that are being answered. No voter answers while it lasts, and a peer that does not close its connection may cost all of it.</summary>
    private static readonly TimeSpan ServerPatience = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan AttachPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopPoll = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan DrainOverhead = TimeSpan.FromSeconds(20);

    private readonly GuardSettings _settings;
    private readonly ILogger _log;
    private readonly DirectoryLock _lock;
    private readonly CancellationTokenSource _over = new();
    private readonly ChangeSignal _changes;
    private readonly GuardFigures _figures = new();
    private readonly VoterShell _voter;
    private readonly VoterClient _peers;
    private readonly SqlVoterShell? _sqlVoter;
    private readonly RenewalSender _sender;
    private readonly HolderShell _holder;
    private readonly Executioner _executioner;
    private readonly AddressKeeper _addresses;
    private readonly DaemonDesk _daemon;
    private readonly WebApplication _server;
    private readonly Task _caretaker;
    private readonly Task _certificates;
    private readonly Task _units;
    private readonly Task _watchdog;

    private GuardHost(GuardSettings settings, DirectoryLock directoryLock, ILoggerFactory logs)
    {
        _settings = settings;
        _changes = new ChangeSignal([.. settings.Services.Keys]);
        _lock = directoryLock;
        _log = logs.CreateLogger("guard");

        // After the lock: from here on no predecessor answers (R7).
        var started = GuardClock.Now;
        var files = new GuardFiles(settings.Directory);
        var voterState = TakeUpVoter(files, settings, _log);
        var holderState = new HolderState(settings.Node, MachineClock.BootId, Guid.NewGuid(), files.ReadHolder());

        _voter = new VoterShell(new VoterState(settings.Node, started, voterState), files.Write, () => GuardClock.Now, _log) { Answered = _figures.Voted };
        _peers = new VoterClient(settings.Nodes, settings.Port, settings.Tls);
        _sqlVoter = settings.Journal is { } journal
            ? new SqlVoterShell(SqlVoterSource.Of(journal, settings.LongestTtl / 2), settings.LongestTtl / 2, watchEvery: null, () => GuardClock.Now)
            : null;
        _sender = new RenewalSender(settings.Node, _voter, _peers, _sqlVoter, _figures, TimeProvider.System, _log);
        _executioner = new Executioner(
            settings.Services.Values, () => _holder!.State, input => _holder!.Post(input), record => Forget(files, record), _changes.Raise,
            Machine.Reboot, () => GuardClock.Now, _log);
        _holder = new HolderShell(
            holderState,
            new HolderOutlets(files.Write, _sender.Renew, _sender.Release, _executioner.Take, _executioner.Take, _changes.Raise),
            () => GuardClock.Now,
            _log)
        {
            Lost = _ => _figures.LeaseLost(),
        };
        _sender.Answers = _holder.Post;
        _addresses = new AddressKeeper(() => _holder.State, _changes.Raise, () => GuardClock.Now, _log);
        _executioner.PutOn = _addresses.PutOn;
        _executioner.TakeOff = _addresses.TakeOff;
        _executioner.RecordHeld = record => _ = Task.Run(() => RecordHeld(files, record));
        _executioner.StartUnit = (unit, service, failed) => _ = StartUnitAsync(unit, service, failed);
        _executioner.StopUnit = (unit, isWanted, heard) => _ = StopUnitAsync(unit, isWanted, heard);
        _executioner.IsUnitOver = IsOverOrUnanswered;

        // Nothing is accepted, and no old epoch is declared closed, before what ran under the guard before is dead.
        var leftovers = files.ReadServices();
        var addresses = new LeftoverAddresses(
            leftovers, AddressRemoval.TryTakeOff, settings.LongestTtl + AddressRules.LongestOverrun, () => GuardClock.Now, _log);
        StopUnitsOf(leftovers);
        _executioner.BuryLeftovers(leftovers, addresses);
        _holder.Start();
        _holder.Post(new HolderStarted());
        _executioner.Start();

        var levels = new Levels(settings.Services, _holder, _executioner, _addresses, () => GuardClock.Now);
        _daemon = new DaemonDesk(settings.Services, _holder, _executioner, levels, _changes, () => GuardClock.Now, _log);
        _caretaker = new Caretaker(
            _holder, _daemon, () => _daemon.IsEnding ? settings.DaemonPatienceAtEnd : settings.DaemonPatience, () => GuardClock.Now,
            TimeProvider.System, _log).RunAsync(_over.Token);
        _certificates = settings.Tls is { } tls ? new CertificateWatch(tls, TimeProvider.System, _log).RunAsync(_over.Token) : Task.CompletedTask;
        _units = new UnitWatch(settings.Services.Values, _holder, _executioner, TimeProvider.System, _log).RunAsync(_over.Token);
        _watchdog = new GuardWatchdog(_holder, _executioner, settings.LongestTtl, () => GuardClock.Now, TimeProvider.System, _log).RunAsync(_over.Token);
        var gates = new GateKeeper(
            $"clusterfs-{settings.Cluster}-{settings.Node}-{voterState.Identity.ToString("N")[..8]}", files, _executioner, _log);
        _server = GuardServer.Create(
            settings,
            logs,
            new VoterEndpoint(_voter),
            new LocalEndpoint(
                _daemon, _executioner, gates, levels, _changes, new GuardIdentity(settings.Node, voterState.Identity),
                () => _figures.Read(Open().Count()), _log, _over.Token));
    }

    /// <summary>Starts a guard; on return it answers.</summary>
    /// <exception cref="GuardRunningException">Another guard works on the same state.</exception>
    /// <exception cref="OnLostUnavailableException">This guard cannot do what a service's <c>on-lost</c> asks for.</exception>
    /// <exception cref="IOException">The state cannot be used, or the address or the socket cannot be listened on.</exception>
    public static async Task<GuardHost> StartAsync(GuardSettings settings, ILoggerFactory logs)
    {
        Durable.CreateDirectory(settings.Directory);
        var directoryLock = DirectoryLock.TryTake(settings.Directory) ?? throw new GuardRunningException(settings.Directory);
        GuardHost host;
        try
        {
            RequireOnLost(settings);
            host = new GuardHost(settings, directoryLock, logs);
        }
        catch
        {
            directoryLock.Dispose();
            throw;
        }

        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(settings.Socket)!);

            // Under the lock it can only be what a killed predecessor left.
            File.Delete(settings.Socket);
            await host._server.StartAsync().ConfigureAwait(false);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(
                    settings.Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
            }
        }
        catch
        {
            await host.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        host._log.Answering(settings.Node, settings.Address, settings.Port, settings.Socket, host._voter.State.Durable.Identity);
        return host;
    }

    /// <summary>
    /// Stops every service, has the daemon take the last dumps, releases the leases. Returns when all is over, or when the time for it is:
    /// then with everything killed.
    /// </summary>
    public async Task DrainAsync()
    {
        _log.Ending();
        _daemon.End();
        _executioner.End();
        var asked = new HashSet<(string Service, long Tenure)>();
        var longest = _settings.Services.Values.Select(service => service.StopTimeout).DefaultIfEmpty(TimeSpan.Zero).Max() + DrainOverhead;
        using var timeout = new CancellationTokenSource(longest);
        try
        {
            await UntilAsync(() => !DrainOpen(asked), timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _log.EndingTimedOut(longest.TotalSeconds);
            _executioner.KillAll();
            using var last = new CancellationTokenSource(DrainOverhead);
            await UntilAsync(() => !_settings.Services.Keys.Any(service => _executioner.View(service).Epoch > 0), last.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await Task.WhenAny(_sender.FlushAsync(), Task.Delay(ReleasePatience, TimeProvider.System)).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        // The daemon and what waits beside the services hear of the end before their streams are cut; one that does not read is not waited for.
        await Task.WhenAny(_changes.EndAsync(), Task.Delay(ServerPatience, TimeProvider.System)).ConfigureAwait(false);
        await _over.CancelAsync().ConfigureAwait(false);
        await _caretaker.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _certificates.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _units.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _watchdog.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using (var patience = new CancellationTokenSource(ServerPatience))
        {
            await _server.StopAsync(patience.Token).ConfigureAwait(false);
        }

        await _server.DisposeAsync().ConfigureAwait(false);
        _holder.Dispose();
        _executioner.Dispose();
        _addresses.Dispose();
        _voter.Dispose();
        _peers.Dispose();
        _sqlVoter?.Dispose();
        _over.Dispose();

        // Last: whoever takes the lock may count on it that this voter answers nobody any more (R7).
        _lock.Dispose();
    }

    private static void RequireOnLost(GuardSettings settings)
    {
        if (!Machine.MayReboot && settings.Services.Values.FirstOrDefault(service => service.OnLost == OnLost.Reboot) is { } rebooted)
        {
            throw new OnLostUnavailableException(rebooted, "this guard has no CAP_SYS_BOOT");
        }

        if (settings.Services.Values.FirstOrDefault(service => service.OnLost == OnLost.Freeze) is { } frozen)
        {
            try
            {
                ControlGroup.TryFreezing($"clusterfs-{settings.Cluster}-{settings.Node}-{Environment.ProcessId}-try");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new OnLostUnavailableException(frozen, $"this guard can make no control group (v2) that freezes: {e.Message}");
            }
        }
    }

    private static DurableVoterState TakeUpVoter(GuardFiles files, GuardSettings settings, ILogger log)
    {
        var found = files.ReadVoter();
        if (found is null)
        {
            log.VoterIsNew(settings.Directory);
        }

        var state = found ?? new DurableVoterState(
            Guid.NewGuid(), settings.LongestTtl, ImmutableSortedDictionary.Create<string, Binding>(StringComparer.Ordinal));
        if (state.LongestTtl < settings.LongestTtl)
        {
            state = state with { LongestTtl = settings.LongestTtl };
        }

        if (state != found)
        {
            files.Write(state);
        }

        return state;
    }

    private void Forget(GuardFiles files, ServiceRecord record) => _ = Task.Run(() =>
    {
        try
        {
            files.Delete(record);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.RecordNotDeleted(record.Service, record.Epoch, e.Message);
        }
    });

    private void RecordHeld(GuardFiles files, ServiceRecord record)
    {
        try
        {
            files.Write(record);
            _executioner.HeldRecorded(record);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            _log.ServiceNotRecorded(record.Service, record.Epoch, e.Message);
            _holder.Post(new DrainRequested(record.Service, record.Epoch, TimeSpan.Zero, "the guard could not record it"));
        }
    }

    /// <summary>Once and before they are killed, so that systemd does not start them again; what it does not answer to dies all the same.</summary>
    private void StopUnitsOf(IReadOnlyList<ServiceRecord> records)
    {
        foreach (var record in records.Where(record => record.Held && record.BootId == MachineClock.BootId))
        {
            if ((record.Unit ?? _settings.Services.GetValueOrDefault(record.Service)?.Unit) is { } unit)
            {
                _ = TryStopUnit(unit);
            }
        }
    }

    private bool TryStopUnit(string unit)
    {
        try
        {
            SystemdUnit.BeginStop(unit);
            return true;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            _log.UnitNotStopped(unit, e.Message);
            return false;
        }
    }

    /// <summary>Systemd starts the unit's lease first, which attaches.</summary>
    private async Task StartUnitAsync(string unit, string service, Action<string> failed)
    {
        await Task.Yield();
        try
        {
            SystemdUnit.BeginStart(unit, service);
            await Task.Delay(AttachPatience, TimeProvider.System, _over.Token).ConfigureAwait(false);
            failed($"{unit} was started, and {UnitAttachment.LeaseUnitOf(service)} did not attach within {AttachPatience.TotalSeconds:0} s: see 'journalctl -u {unit}'");
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            failed(e.Message);
        }
        catch (OperationCanceledException)
        {
            // The guard ends, and with it the tenure.
        }
    }

    private async Task StopUnitAsync(string unit, Func<bool> isWanted, Action<UnitStop> heard)
    {
        await Task.Yield();
        using var again = new PeriodicTimer(StopPoll);
        var isKnown = false;
        do
        {
            isKnown = isKnown || TryStopUnit(unit);
            var stop = isKnown ? SystemdUnit.LookForEnd(unit) : UnitStop.Unanswered;
            heard(stop);
            if (stop == UnitStop.Over)
            {
                return;
            }
        }
        while (await again.WaitForNextTickAsync(_over.Token).ConfigureAwait(false) && isWanted());
    }

    /// <summary>What an earlier guard left behind: a unit that systemd has not ended may write again. What systemd does not answer to dies all the same.</summary>
    private bool IsOverOrUnanswered(string unit)
    {
        var stop = SystemdUnit.LookForEnd(unit);
        if (stop == UnitStop.Stopping)
        {
            _ = TryStopUnit(unit);
        }

        return stop != UnitStop.Stopping;
    }

    /// <summary>Each lease once, whenever it appears: a grant that was taken before the end began may still wait in the holder's queue.</summary>
    /// <returns>Whether any is open.</returns>
    private bool DrainOpen(HashSet<(string Service, long Tenure)> asked)
    {
        var open = Open().ToList();
        foreach (var lease in open.Where(lease => asked.Add((lease.Service, lease.Tenure))))
        {
            _holder.Post(new DrainRequested(lease.Service, lease.Tenure, StopTimeoutOf(lease.Service), "the guard was stopped"));
        }

        return open.Count > 0;
    }

    private IEnumerable<HeldLease> Open() => _holder.State.Leases.Values.Where(lease => lease.Phase != LeasePhase.Closed);

    private TimeSpan StopTimeoutOf(string service) =>
        _settings.Services.TryGetValue(service, out var guarded) ? guarded.StopTimeout : TimeSpan.Zero;

    private async Task UntilAsync(Func<bool> condition, CancellationToken cancellation)
    {
        using var listener = _changes.Listen();
        while (!condition())
        {
            await listener.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }
}

/// <summary>Another guard holds the lock on the state directory.</summary>
public sealed class GuardRunningException(string directory)
    : Exception($"another guard is running on {directory}; a node has one guard: stop that one first");

/// <summary>A guard cannot do what a service's <c>on-lost</c> asks for.</summary>
public sealed class OnLostUnavailableException(GuardedService service, string problem)
    : Exception($"service {service.Name} has on-lost = {service.OnLost.ToString().ToLowerInvariant()}, and {problem}");
