using ClusterFs.Guard.Execution;
using ClusterFs.Lease;
using ClusterFs.Posix;

namespace ClusterFs.Guard.Beside;

public sealed partial class RunSession
{
    private static readonly TimeSpan KillPoll = TimeSpan.FromMilliseconds(10);

    /// <summary>How often it is looked whether what is frozen still is.</summary>
    private static readonly TimeSpan FrozenPoll = TimeSpan.FromMilliseconds(100);

    /// <summary>When the guard is gone before it ever named a deadline.</summary>
    private static readonly TimeSpan ShortestGrace = TimeSpan.FromMilliseconds(500);

    private void Enforce(Child child, Instant now)
    {
        if (!child.IsPursued)
        {
            var due = child.StopAt.MayHaveComeBy(now);
            if (child.GuardGoneAt is null && !due)
            {
                return;
            }

            if (due)
            {
                Say("the lease runs out: stopping the service");
            }

            // An end of the service's own that the guard did not live to hear of counts as one.
            child.OwnEnd = child.ExitCode is { } code && child.GuardGoneAt is not null && !IsOfStopping(code) ? code : null;
            child.IsPursued = true;
            Complain(child.Processes.Terminate());
        }

        var killAt = child.KillAt;
        if (child.GuardGoneAt is { } goneAt)
        {
            var budget = (child.KillAt - child.StopAt.Boottime).Boottime;
            var sooner = goneAt + (budget > ShortestGrace ? budget : ShortestGrace);
            killAt = killAt.LeastRemaining(sooner) < TimeSpan.Zero ? killAt : sooner;
        }

        child.IsFrozen = StaysFrozen(child);
        if (child.IsFrozen)
        {
            _addresses.Leave();
            Say("the lease ran out: the service is frozen");
            return;
        }

        var found = child.Processes.FindIn(ProcessTable.Read());
        if (found.Count > 0)
        {
            child.FoundEmpty = 0;
            if (killAt.MayHaveComeBy(now))
            {
                _addresses.Leave();
                Complain(child.Processes.Kill(found));
            }
        }
        else if (++child.FoundEmpty >= 2)
        {
            OnTreeDead(child, now);
        }
    }

    /// <summary>
    /// What the guard has frozen is spared for as long as the guard lives, nobody wants the service stopped, and the kernel says that it is
    /// frozen.
    /// </summary>
    private bool StaysFrozen(Child child) =>
        child.GuardGoneAt is null
        && !_stopWanted
        && _last is { FrozenGroup.Length: > 0 } told
        && told.Epoch == child.Epoch
        && new ControlGroup(told.FrozenGroup).HoldsFrozen;

    private void OnTreeDead(Child child, Instant now)
    {
        _addresses.Leave();
        if (child.GuardGoneAt is not null)
        {
            _child = null;
            if (child.OwnEnd is { } code)
            {
                _exit = code;
                return;
            }

            AfterDown("");
        }
        else if (_stopWanted && child.KillAt.MayHaveComeBy(now))
        {
            // The guard is silent; its lease has run out, and nothing is left to stop.
            _exit = ExitCodes.Done;
        }
    }

    private void KillTree()
    {
        var all = new ServiceProcesses { Beside = _self };
        var empty = 0;
        using var tick = new ManualResetEventSlim();
        while (true)
        {
            var found = all.FindIn(ProcessTable.Read());
            Complain(all.Kill(found));
            empty = found.Count == 0 ? empty + 1 : 0;
            if (empty == 2)
            {
                return;
            }

            // One that may not be killed is waited for.
            _ = tick.Wait(found.Count == 0 ? TimeSpan.Zero : KillPoll);
        }
    }

    private void Complain(IReadOnlyList<string> problems)
    {
        foreach (var problem in problems)
        {
            Say($"a process cannot be signalled: {problem}");
        }
    }

    private void Reap()
    {
        foreach (var ended in ProcessTable.EndedChildrenOf(Environment.ProcessId))
        {
            if (ended != _child?.Process.Id)
            {
                Processes.Reap(ended);
            }
        }
    }

    private static bool IsOfStopping(int code) =>
        code == Executioner.TooLate || code == ExitCodes.OfSignal(Processes.SignalTerminate) || code == ExitCodes.OfSignal(Processes.SignalKill);
}
