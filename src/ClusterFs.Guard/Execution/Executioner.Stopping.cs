using System.Diagnostics;
using ClusterFs.Configuration;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Posix;

namespace ClusterFs.Guard.Execution;

internal sealed partial class Executioner
{
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(100);

    /// <summary>How often it is looked whether what is frozen still is.</summary>
    private static readonly TimeSpan FrozenPoll = TimeSpan.FromMilliseconds(100);

    private bool AnyStopping => _wards.Values.Any(ward => ward.Life is { IsStopping: true, IsFrozen: false });

    private bool AnyFrozen => _wards.Values.Any(ward => ward.Life is { IsFrozen: true });

    private void Run()
    {
        var poll = TimeSpan.Zero;
        while (!_work.IsCompleted)
        {
            if (_work.TryTake(out var work, AnyStopping ? UntilNextKill(poll) : AnyFrozen ? FrozenPoll : Timeout.InfiniteTimeSpan))
            {
                work();
                while (_work.TryTake(out work))
                {
                    work();
                }

                poll = ShortestPoll;
            }

            WatchFrozen();
            if (AnyStopping)
            {
                var begun = Stopwatch.GetTimestamp();
                PursueAll();

                // On a machine with very many processes the search itself must not eat the machine.
                var search = Stopwatch.GetElapsedTime(begun) * 2;
                poll = search < ShortestPoll ? ShortestPoll : search > LongestPoll ? LongestPoll : search;
            }
        }
    }

    private TimeSpan UntilNextKill(TimeSpan poll)
    {
        foreach (var ward in _wards.Values)
        {
            if (ward.Life is { NextDue: { } due } life)
            {
                poll = life.Freezing is not null && poll > ShortestPoll ? ShortestPoll : poll;
                var remaining = due.LeastRemaining(_now());
                poll = remaining < TimeSpan.Zero ? TimeSpan.Zero : remaining < poll ? remaining : poll;
            }
        }

        return poll;
    }

    private void PursueAll()
    {
        var table = ProcessTable.Read();
        foreach (var ward in _wards.Values)
        {
            if (ward.Life is { IsStopping: true, IsFrozen: false } life)
            {
                Pursue(ward, life, table);
            }
        }
    }

    private void Pursue(Ward ward, Life life, ProcessTable table)
    {
        var found = life.Processes.FindIn(table);
        var isDue = life.KillAt is not { } last || last.MayHaveComeBy(_now());
        if (isDue)
        {
            // Whatever still lives, and whatever systemd says of it.
            _ = AreAddressesOff(ward, life);
        }

        if (found.Count == 0)
        {
            if (life is { AwaitsUnit: true, UnitRefused: false } || (!isDue && (life.AwaitsUnit || life.MayAppear)))
            {
                return;
            }

            if (++life.FoundEmpty >= 2)
            {
                Bury(ward, life);
            }

            return;
        }

        life.FoundEmpty = 0;
        life.EverFound = true;
        if (life.Freezing is { } freezing && freezing.BeginsAt.MayHaveComeBy(_now()) && TryFreeze(ward, life, freezing, found))
        {
            return;
        }

        if (life.KillAt is not { } killAt || killAt.MayHaveComeBy(_now()))
        {
            var problems = life.Processes.Kill(found);
            if (!life.KillSaid)
            {
                life.KillSaid = true;
                _log.Killing(ward.Service.Name, life.Epoch, found.Count);
                if (life.RebootAfter is { } after)
                {
                    // From now: a guard that comes late has not given SIGKILL its time. Said now, because later it may go down with the node.
                    life.RebootAt = _now() + after;
                    _log.RebootIsNext(ward.Service.Name, life.Epoch, (long)after.TotalMilliseconds);
                }
            }

            Complain(ward.Service.Name, problems);
            if (life is { RebootTried: false, RebootAt: { } rebootAt } && rebootAt.MayHaveComeBy(_now()))
            {
                Reboot(ward, life, found.Count);
            }
        }
        else if (!life.RestAsked && life.Processes.AsksEach(table))
        {
            life.RestAsked = true;
            Complain(ward.Service.Name, life.Processes.TerminateEach(found));
        }
    }

    /// <summary>Half of the time between the killing and the deadline is left to SIGKILL.</summary>
    internal static TimeSpan RebootAfter(Instant killAt, Instant validUntil) => (validUntil.Boottime - killAt.Boottime) / 2;

    /// <summary>The lease that was lost while the service ran; null for every other end, which ends by killing.</summary>
    private HeldLease? LostWith(Ward ward, Life life, StopService order) =>
        life.Opened && CurrentLease(ward) is { Phase: LeasePhase.Stopping, KillAt: { } killAt } lease && order.KillAt == killAt ? lease : null;

    private Freezing? FreezingFor(Ward ward, Life life, StopService order) =>
        ward.Service.OnLost == OnLost.Freeze
        && life.Processes.Group is { } group
        && LostWith(ward, life, order) is { StopAt: { } stopAt, KillAt: { } killAt }
            ? Freezing.Of(group, stopAt, killAt)
            : null;

    private TimeSpan? RebootAfterFor(Ward ward, Life life, StopService order) =>
        ward.Service.OnLost == OnLost.Reboot && LostWith(ward, life, order) is { ValidUntil: { } validUntil, KillAt: { } killAt }
            ? RebootAfter(killAt, validUntil)
            : null;

    /// <summary>Whatever survives SIGKILL is stuck in the kernel, and ends with it.</summary>
    private void Reboot(Ward ward, Life life, int count)
    {
        life.RebootTried = true;
        _log.Rebooting(ward.Service.Name, life.Epoch, count);
        try
        {
            _reboot();
        }
        catch (PosixException e)
        {
            _log.NotRebooted(ward.Service.Name, e.Message);
        }
    }

    /// <returns>False when the service is to be killed.</returns>
    private bool TryFreeze(Ward ward, Life life, Freezing freezing, HashSet<int> found)
    {
        if (!freezing.TryAdvance(life.Processes, found, _now, out var problems))
        {
            life.Freezing = null;
            _log.NotFrozen(ward.Service.Name, life.Epoch);
            return false;
        }

        if (freezing.IsConfirmed)
        {
            _ = AreAddressesOff(ward, life);

            // Before anything is logged: the process beside the service kills it unless it has heard of this in time.
            Publish(ward);
            _log.Frozen(ward.Service.Name, life.Epoch, found.Count);
        }

        Complain(ward.Service.Name, problems);
        return true;
    }

    /// <summary>What somebody else has thawed, or killed, is killed whole.</summary>
    private void WatchFrozen()
    {
        foreach (var ward in _wards.Values)
        {
            if (ward.Life is { IsFrozen: true, Processes.Group.HoldsFrozen: false })
            {
                KillFrozen(ward, "it is frozen no more");
            }
        }
    }

    /// <summary>Without thawing it: what is frozen dies where it stands. What was to be frozen is killed in its time.</summary>
    private void KillFrozen(Ward ward, string reason)
    {
        if (ward.Life is { Freezing: { } freezing } life)
        {
            life.Freezing = null;
            if (freezing.IsConfirmed)
            {
                _log.KillingFrozen(ward.Service.Name, life.Epoch, reason);
                Publish(ward);
            }
        }
    }

    private void Bury(Ward ward, Life life)
    {
        if (!AreAddressesOff(ward, life))
        {
            return;
        }

        _log.Dead(ward.Service.Name, life.Epoch);
        ward.Life = null;
        ward.StoppedEpoch = life.Epoch;
        life.AwaitsUnit = false;
        life.Processes.Group?.Remove();
        if (life.Record is { } record)
        {
            _forget(record);
        }

        _tellHolder(new ServiceDead(ward.Service.Name, life.Epoch));
        Publish(ward);
    }

    private void Complain(string service, IReadOnlyList<string> problems)
    {
        foreach (var problem in problems)
        {
            _log.CannotKill(service, problem);
        }
    }
}
