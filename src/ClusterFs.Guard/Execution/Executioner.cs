using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using ClusterFs.Configuration;
using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.State;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Posix;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Execution;

/// <summary>
/// Lets services start when the holder says so and has them dead when it says so. One thread that waits for nothing but its own work:
/// what touches a disk or another program is done elsewhere and comes back as another piece of work. Every end of a service goes through
/// the holder, which orders it; so an order that came before an exit tells a stop from an end of the service's own.
/// </summary>
internal sealed partial class Executioner : IDisposable
{
    /// <summary>The exit code of a process that came to the gate too late. Means that only together with a deadline that has passed.</summary>
    public const int TooLate = 75;

    private static readonly TimeSpan ShortestPoll = TimeSpan.FromMilliseconds(10);

    private readonly BlockingCollection<Action> _work = [];
    private readonly Dictionary<string, Ward> _wards = new(StringComparer.Ordinal);
    private readonly Func<HolderState> _holder;
    private readonly Action<HolderInput> _tellHolder;
    private readonly Action<ServiceRecord> _forget;
    private readonly Action<string> _changed;
    private readonly Action _reboot;
    private readonly Func<Instant> _now;
    private readonly ILogger _log;
    private readonly Thread _thread;
    private volatile ImmutableDictionary<string, WardView> _views = ImmutableDictionary.Create<string, WardView>(StringComparer.Ordinal);
    private bool _ending;

    /// <param name="services">Every service that may run here.</param>
    /// <param name="holder">The holder's state as of its last step.</param>
    /// <param name="forget">Removes a record of a service that is dead; may be late.</param>
    /// <param name="reboot">Reboots this node at once; returns only by throwing <see cref="PosixException"/>.</param>
    public Executioner(
        IEnumerable<GuardedService> services,
        Func<HolderState> holder,
        Action<HolderInput> tellHolder,
        Action<ServiceRecord> forget,
        Action<string> changed,
        Action reboot,
        Func<Instant> now,
        ILogger log)
    {
        foreach (var service in services)
        {
            _wards.Add(service.Name, new Ward(service));
        }

        _holder = holder;
        _tellHolder = tellHolder;
        _forget = forget;
        _changed = changed;
        _reboot = reboot;
        _now = now;
        _log = log;
        _thread = new Thread(Run) { IsBackground = true, Name = "executioner" };
    }

    /// <summary>May be read from any thread.</summary>
    public WardView View(string service) => _views.GetValueOrDefault(service, WardView.Empty);

    public void Start() => _thread.Start();

    public void Dispose()
    {
        _work.CompleteAdding();
        if (!_thread.IsAlive || _thread.Join(TimeSpan.FromSeconds(10)))
        {
            _work.Dispose();
        }
    }

    /// <summary>A process beside a service wants it to run here.</summary>
    public Task<AttachOutcome> AttachAsync(string service, AttachMode mode, ProcessIdentity process) => Ask(() =>
    {
        if (!_wards.TryGetValue(service, out var ward))
        {
            return new AttachOutcome(null, AttachRefusal.UnknownService, $"service {service} is not configured on this node");
        }

        if (_ending)
        {
            return new AttachOutcome(null, AttachRefusal.Stopping, "the guard is stopping");
        }

        if (mode == AttachMode.Hold && ward.Service.OnLost == OnLost.Freeze)
        {
            return new AttachOutcome(null, AttachRefusal.NeedsRun, $"service {service} has on-lost = freeze, which needs 'clusterfs run'");
        }

        if (ward.Attachment is { } other)
        {
            return new AttachOutcome(null, AttachRefusal.Taken, $"process {other.Process.Id} is attached to service {service} already");
        }

        ward.Attachment = new Attachment(service, Guid.NewGuid().ToString("N"), mode, process);
        ward.AttachmentWants = true;
        ward.StoodDown = false;
        ward.Ended = null;
        Publish(ward);
        _log.Attached(service, process.Id, mode);
        if (ward.AwaitsAttachment is { } order)
        {
            Start(order);
        }

        return new AttachOutcome(ward.Attachment, AttachRefusal.None, "");
    });

    /// <summary>The process beside the service is gone, or wants no more: whatever it started dies at once.</summary>
    public void Detach(Attachment attachment) => Post(() =>
    {
        if (Find(attachment) is { } ward)
        {
            _log.Detached(attachment.Service, attachment.Process.Id);
            ward.Attachment = null;
            ward.AttachmentWants = false;
            ward.Ended = null;
            Publish(ward);
            KillFrozen(ward, "the process beside the service ended");
            EndEpoch(ward, TimeSpan.Zero, "the process beside the service ended");
        }
    });

    /// <summary>The process beside the service was told to end it.</summary>
    public void StopWanted(Attachment attachment) => Post(() =>
    {
        if (Find(attachment) is { } ward)
        {
            ward.AttachmentWants = false;

            // What the guard itself began to stop may come here again; what somebody else stops shall not come back at once.
            ward.StoodDown |= CurrentLease(ward) is null or { Phase: LeasePhase.Acquiring or LeasePhase.Held or LeasePhase.Running };
            Publish(ward);
            KillFrozen(ward, "a planned stop");
            EndEpoch(ward, ward.Service.StopTimeout, "a planned stop");
        }
    });

    /// <summary>The service's first process has ended, as the process beside it saw.</summary>
    /// <param name="stopped">The process beside it stopped it.</param>
    public void Exited(Attachment attachment, long epoch, int exitCode, bool stopped) => Post(() =>
    {
        if (Find(attachment) is not { } ward || CurrentLease(ward) is not { } lease || lease.Tenure != epoch)
        {
            return;
        }

        if (ward.Life is { } held && held.Epoch == epoch)
        {
            // Whoever holds for a service that nobody else can find says that it is gone.
            held.Processes.BesideCounts = false;
            held.SaidGone = stopped;
        }

        var tooLate = exitCode == TooLate && ward.Life?.PassedUntil is { } stopAt && stopAt.MayHaveComeBy(_now());

        // The word of the process beside it may come after the service was found dead.
        var ordered = ward.StoppedEpoch == epoch || (ward.Life is { IsStopping: true } life && life.Epoch == epoch);
        if (!stopped && !ordered && !tooLate)
        {
            _log.EndedByItself(ward.Service.Name, epoch, exitCode);
            ward.AttachmentWants = false;
            ward.Ended = exitCode;
            Publish(ward);
        }

        EndEpoch(ward, ward.Service.StopBudget, $"the service ended by itself, code {exitCode}");
    });

    /// <summary>A process came to the gate: from now on it belongs to the service, and dies with it.</summary>
    /// <returns>Null when it may not wait there.</returns>
    public Task<Attachment?> ArriveAsync(string service, string token, long epoch, ProcessEntry process) => Ask(() =>
    {
        if (!_wards.TryGetValue(service, out var ward)
            || ward.Attachment is not { Mode: AttachMode.Run } attachment
            || attachment.Token != token
            || process.Parent != attachment.Process.Id
            || CurrentLease(ward) is not { Phase: LeasePhase.Held or LeasePhase.Running } lease
            || lease.Tenure != epoch
            || ward.Life is { } other && (other.Epoch != epoch || other.IsStopping || other.Processes.First is not null))
        {
            return null;
        }

        var life = ward.Life ??= Begin(ward, epoch);
        life.Processes.First = process.Identity;
        Publish(ward);
        return attachment;
    });

    /// <summary>The process at the gate is on record and in its control group. Answered when the gate opens, or never will.</summary>
    public Task<GatePass> WaitAtGateAsync(ServiceRecord record, ControlGroup? group)
    {
        var pass = new TaskCompletionSource<GatePass>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            if (_wards[record.Service].Life is not { IsStopping: false } life || life.Epoch != record.Epoch)
            {
                _ = pass.TrySetResult(GatePass.Closed);
                _forget(record);
                return;
            }

            life.Record = record;
            life.Processes.Group = group;
            life.AtGate = pass;
            OpenIfOrdered(_wards[record.Service]);
        });
        return pass.Task;
    }

    /// <summary>The held service is on record: whoever starts it may be told.</summary>
    public void HeldRecorded(ServiceRecord record) => Post(() =>
    {
        var ward = _wards[record.Service];
        if (ward.Life is { IsStopping: false } life && life.Epoch == record.Epoch)
        {
            life.Record = record;
            if (HasAddresses(ward, life))
            {
                LetHeldGo(ward, life, record);
            }
        }
        else
        {
            _forget(record);
        }
    });

    /// <summary>Records a held service before it is let go; set before the executioner starts.</summary>
    public Action<ServiceRecord> RecordHeld { get; set; } = _ => { };

    /// <summary>Ends when the executioner's thread has come round.</summary>
    public Task<bool> TurnAsync() => Ask(() => true);

    public void Take(StartService order) => Post(() => Start(order));

    public void Take(StopService order) => Post(() =>
    {
        if (!_wards.TryGetValue(order.Service, out var ward))
        {
            _tellHolder(new ServiceDead(order.Service, order.Tenure));
            return;
        }

        if (ward.Life is { } other && other.Epoch != order.Tenure)
        {
            // The machines never have two epochs of a service alive on a node (R14).
            throw new UnreachableException($"{order.Service}: epoch {order.Tenure} is to stop while epoch {other.Epoch} lives");
        }

        var life = ward.Life ??= Begin(ward, order.Tenure);
        life.KillAt = life.KillAt is { } before && before.LeastRemaining(order.KillAt) < TimeSpan.Zero ? before : order.KillAt;
        life.RebootAfter ??= RebootAfterFor(ward, life, order);
        ward.AwaitsAttachment = null;
        if (life.IsStopping)
        {
            return;
        }

        life.IsStopping = true;
        life.Freezing = FreezingFor(ward, life, order);
        _ = life.AtGate?.TrySetResult(GatePass.Closed);
        var problems = life.Processes.Terminate();

        // Done first: a log that is slow to take a line must not cost the service its time to stop.
        _log.Stopping(order.Service, order.Tenure, order.Reason);
        Complain(order.Service, problems);
        BeginStopOfUnit(ward, life);
        Publish(ward);
    });

    /// <summary>What is frozen of a tenure's service has been looked at for long enough.</summary>
    public void KillFrozen(string service, long tenure, string reason) => Post(() =>
    {
        if (_wards.TryGetValue(service, out var ward) && ward.Life?.Epoch == tenure)
        {
            KillFrozen(ward, reason);
        }
    });

    /// <summary>Nobody attaches any more, nothing is wanted here, so that it is granted elsewhere at once, and nothing stays frozen.</summary>
    public void End() => Post(() =>
    {
        _ending = true;
        foreach (var ward in _wards.Values)
        {
            KillFrozen(ward, "the guard is stopping");
            Publish(ward);
        }
    });

    /// <summary>The guard's time is over: everything that still lives is killed now.</summary>
    public void KillAll() => Post(() =>
    {
        foreach (var ward in _wards.Values)
        {
            if (ward.Life is { } life)
            {
                if (!life.IsStopping)
                {
                    BeginStopOfUnit(ward, life);
                }

                life.IsStopping = true;
                life.Freezing = null;
                life.KillAt = _now();
                _ = life.AtGate?.TrySetResult(GatePass.Closed);
            }
        }
    });

    private static Life Begin(Ward ward, long epoch) => new(epoch, new ServiceProcesses
    {
        Beside = ward.Attachment?.Process,
        Attachment = ward.Attachment?.Token,
        PidFile = ward.Attachment?.Mode == AttachMode.Hold ? ward.Service.PidFile : null,
    });

    private void Start(StartService order)
    {
        var ward = _wards.GetValueOrDefault(order.Service);
        if (ward?.Attachment is not { } attachment)
        {
            if (ward is { StandsBy: true, StoodDown: false, Service.Unit: { } unit })
            {
                ward.AwaitsAttachment = order;
                _log.StartingUnit(order.Service, order.Tenure, unit);
                StartUnit(unit, order.Service, problem => Post(() => UnitDidNotStart(ward, order, problem)));
                return;
            }

            _log.NobodyToStart(order.Service, order.Tenure);
            _tellHolder(new DrainRequested(order.Service, order.Tenure, TimeSpan.Zero, "nothing is there to start it"));
            return;
        }

        ward.AwaitsAttachment = null;
        var life = ward.Life ??= Begin(ward, order.Tenure);
        if (life.Epoch != order.Tenure || life.IsStopping)
        {
            return;
        }

        life.StartUntil = order.StopAt;
        if (attachment.Mode == AttachMode.Hold)
        {
            RecordHeld(new ServiceRecord(
                order.Service, order.Tenure, MachineClock.BootId, 0, 0, attachment.Process.Id, attachment.Process.Started, attachment.Token,
                null, Held: true, ward.Service.Unit, AddressesOf(ward.Service)));
        }
        else
        {
            OpenIfOrdered(ward);
        }
    }

    private void LetHeldGo(Ward ward, Life life, ServiceRecord record)
    {
        if (ward.AttachmentWants && ward.Attachment?.Token == record.Attachment)
        {
            // Only now: a process that merely waits for its turn is no part of a service.
            life.Processes.BesideCounts = ward.Service.Unit is null && ward.Service.PidFile is null;
            life.Opened = true;
            Publish(ward);
        }
    }

    private void OpenIfOrdered(Ward ward)
    {
        if (ward.Life is not { StartUntil: { } ordered, AtGate: { } gate, Opened: false } life || !HasAddresses(ward, life))
        {
            return;
        }

        // The lease may have been renewed while the process was on its way to the gate.
        var stopAt = CurrentLease(ward) is { } lease && lease.Tenure == life.Epoch && lease.StopAt is { } renewed ? renewed : ordered;
        if (stopAt.MayHaveComeBy(_now()))
        {
            return;
        }

        life.Opened = true;
        life.PassedUntil = stopAt;
        _ = gate.TrySetResult(new GatePass(true, life.Epoch, stopAt));
        _log.Started(ward.Service.Name, life.Epoch, life.Processes.First?.Id ?? 0, life.Processes.Group is null ? "process group" : "cgroup");
        Publish(ward);
    }

    private HeldLease? CurrentLease(Ward ward) =>
        _holder().Leases.TryGetValue(ward.Service.Name, out var lease) && lease.Phase != LeasePhase.Closed ? lease : null;

    /// <summary>The holder orders the stop; without a lease there is nothing to stop.</summary>
    private void EndEpoch(Ward ward, TimeSpan grace, string reason)
    {
        if (CurrentLease(ward) is { } lease)
        {
            _tellHolder(new DrainRequested(ward.Service.Name, lease.Tenure, grace, reason));
            if (grace == TimeSpan.Zero && ward.Life is { IsStopping: true } life)
            {
                life.KillAt = _now();
            }
        }
    }

    private Ward? Find(Attachment attachment) =>
        _wards.TryGetValue(attachment.Service, out var ward) && ward.Attachment == attachment ? ward : null;

    private void Publish(Ward ward)
    {
        _views = _views.SetItem(ward.Service.Name, new WardView(
            ward.Attachment, ward.Wanted && !_ending, ward.Ended, ward.Life?.Epoch ?? 0, ward.Life?.Processes.First, ward.Life?.Opened ?? false)
        {
            FrozenGroup = ward.Life?.Freezing?.FrozenGroup,
            StoodDown = ward is { StandsBy: true, StoodDown: true },
        });
        _changed(ward.Service.Name);
    }

    private void Post(Action work)
    {
        try
        {
            _work.Add(work);
        }
        catch (InvalidOperationException)
        {
            // The guard is ending, and its services are dead.
        }
    }

    private Task<T> Ask<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => answer.SetResult(question()));
        return answer.Task;
    }
}
