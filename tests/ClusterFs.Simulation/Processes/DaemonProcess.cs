using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;

namespace ClusterFs.Simulation;

/// <summary>
/// A daemon: tells the ownership how things are on its node, puts content in place, dumps, and closes what is drained. Slow work goes on
/// beside it, a piece at a time. The ownership incarnations of its node live and die with it.
/// </summary>
public sealed class DaemonProcess(World world, Node node) : SimulatedProcess
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan DumpEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FinalDumpPatience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan HungDumpPatience = TimeSpan.FromMinutes(10);

    private bool _working;
    private bool _poked;
    private long _preparedEpoch;
    private long _drainEpoch;
    private long _dumpedForDrain;
    private long _ranEpoch;
    private long _finishedEpoch;
    private long _supersededEpoch;
    private long _keptAgainst;
    private TimeSpan _retryAt;
    private TimeSpan _dumpAt;
    private TimeSpan? _drainedAt;

    public void Begin()
    {
        world.Schedule.After(ReportEvery * world.Random.Fraction(), () => Beat(again: true));
        if (world.Bugs.Has(Bug.AdoptionAfterRelease))
        {
            node.Guard?.Run(() => node.Guard?.AdoptClosedLease());
        }
    }

    public override void Kill()
    {
        base.Kill();
        world.KillIncarnationsOf(node);
    }

    /// <summary>The guard has news.</summary>
    public void Poke()
    {
        if (!_poked)
        {
            _poked = true;
            world.Schedule.After(TimeSpan.FromMicroseconds(200 + world.Random.Below(2000)), () => Beat(again: false));
        }
    }

    public void Hear(GrantReceived grant) => Run(() => node.Guard?.Feed(grant));

    public void Hear(TellDrain drain) => Run(() =>
    {
        _drainEpoch = drain.Tenure;
        Poke();
    });

    private void Beat(bool again)
    {
        if (Dead)
        {
            return;
        }

        if (again)
        {
            world.Schedule.After(ReportEvery + TimeSpan.FromMilliseconds(world.Random.Below(100)), () => Beat(again: true));
        }
        else
        {
            _poked = false;
        }

        if (!Answers)
        {
            return;
        }

        // A guard that does not answer is waited for: what it holds is not known.
        if (node.Guard is { Answers: true } guard)
        {
            Decide(guard);
            Report(guard);
        }

        if (again)
        {
            world.EnsureIncarnation(node);
        }
    }

    private void Report(GuardProcess guard)
    {
        var lease = guard.Lease;
        var report = new NodeReport(node.Name, true, lease?.Phase, guard.ConsumedEpoch, guard.ClosedEpoch, lease?.Reason)
        {
            HandedOver = lease is { Phase: LeasePhase.Closed } && world.Bugs.Has(Bug.MoveForgetsLastDump) ? lease.Tenure : _finishedEpoch,
        };
        foreach (var incarnation in world.Incarnations)
        {
            world.Network.Send(node.Number, incarnation.Node.Number, MessageKinds.Report, () => incarnation.Feed(new NodeReported(report)));
        }
    }

    private void Decide(GuardProcess guard)
    {
        var lease = guard.Lease;
        if (lease is null or { Phase: LeasePhase.Closed })
        {
            _drainedAt = null;
            if (world.Ledger.Running is { } elsewhere && elsewhere.Node != node.Name && elsewhere.Epoch > _keptAgainst && MayWork)
            {
                Begin(elsewhere.Epoch, work => work.KeepDivergent(), _ => _keptAgainst = elsewhere.Epoch);
            }

            return;
        }

        // All that runs on a node, and its claim in the archive, go by the tenure.
        var epoch = lease.Tenure;
        var superseded = _supersededEpoch >= epoch;
        switch (lease.Phase)
        {
            case LeasePhase.Acquiring or LeasePhase.Held or LeasePhase.Running when superseded:
            case LeasePhase.Acquiring or LeasePhase.Held when _drainEpoch == epoch:
                guard.Feed(new DrainRequested(World.Service, epoch, TimeSpan.FromSeconds(2), "the daemon ends it"));
                break;
            case LeasePhase.Acquiring or LeasePhase.Held when _preparedEpoch != epoch:
                if (MayWork)
                {
                    Begin(epoch, work => work.TakeOver(epoch), _ => _preparedEpoch = epoch);
                }

                break;
            case LeasePhase.Held:
                guard.Feed(new ContentPrepared(World.Service, epoch));
                break;
            case LeasePhase.Running:
                WhileRunning(guard, epoch);
                break;
            case LeasePhase.Drained:
                AfterTheEnd(guard, epoch);
                break;
        }
    }

    private void WhileRunning(GuardProcess guard, long epoch)
    {
        _ranEpoch = epoch;
        if (_drainEpoch == epoch && _dumpedForDrain == epoch)
        {
            guard.Feed(new DrainRequested(World.Service, epoch, TimeSpan.FromSeconds(2), "a move"));
        }
        else if (MayWork && (_drainEpoch == epoch || world.Now >= _dumpAt))
        {
            _dumpAt = world.Now + DumpEvery;
            Begin(epoch, work => work.Dump(epoch), _ => _dumpedForDrain = _drainEpoch == epoch ? epoch : 0);
        }
    }

    private bool NeverRan(long epoch) => _ranEpoch < epoch && _preparedEpoch < epoch && node.Content.Origin?.Epoch != epoch;

    private void AfterTheEnd(GuardProcess guard, long epoch)
    {
        _drainedAt ??= world.Now;
        var neverRan = NeverRan(epoch);
        var patience = !neverRan && (_drainEpoch == epoch || _working) ? HungDumpPatience : FinalDumpPatience;
        if ((neverRan && _drainEpoch != epoch) || _finishedEpoch == epoch || _supersededEpoch >= epoch || world.Now - _drainedAt >= patience)
        {
            guard.Feed(new CloseRequested(World.Service, epoch));
        }
        else if (MayWork)
        {
            Begin(epoch, work => work.FinalDump(epoch), _ => _finishedEpoch = epoch);
        }
    }

    private bool MayWork => !_working && world.Now >= _retryAt;

    private void Begin(long epoch, Func<ContentWork, IEnumerator<TimeSpan>> walk, Action<WorkOutcome> done)
    {
        _working = true;
        var work = new ContentWork(world, node);
        GoOn(epoch, work, walk(work), done);
    }

    private void GoOn(long epoch, ContentWork work, IEnumerator<TimeSpan> steps, Action<WorkOutcome> done)
    {
        if (!GoesOn(() => GoOn(epoch, work, steps, done)))
        {
            return;
        }

        try
        {
            if (steps.MoveNext())
            {
                world.Schedule.After(steps.Current, () => Run(() => GoOn(epoch, work, steps, done)));
                return;
            }
        }
        catch (SharedAwayException)
        {
            _working = false;
            _retryAt = world.Now + RetryAfter;
            return;
        }

        _working = false;
        if (work.Outcome == WorkOutcome.Superseded)
        {
            _supersededEpoch = Math.Max(_supersededEpoch, epoch);
        }
        else
        {
            done(work.Outcome);
        }

        Poke();
    }
}
