using System.Diagnostics;
using ClusterFs.Lease.Holder;
using ClusterFs.Posix;

namespace ClusterFs.Guard.Execution;

internal sealed partial class Executioner
{
    private static readonly TimeSpan LongestPoll = TimeSpan.FromMilliseconds(100);

    private bool AnyStopping => _wards.Values.Any(ward => ward.Life is { IsStopping: true });

    private void Run()
    {
        var poll = TimeSpan.Zero;
        while (!_work.IsCompleted)
        {
            if (_work.TryTake(out var work, AnyStopping ? UntilNextKill(poll) : Timeout.InfiniteTimeSpan))
            {
                work();
                while (_work.TryTake(out work))
                {
                    work();
                }

                poll = ShortestPoll;
            }

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
            if (ward.Life is { IsStopping: true, KillSaid: false, KillAt: { } killAt })
            {
                var remaining = killAt.LeastRemaining(_now());
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
            if (ward.Life is { IsStopping: true } life)
            {
                Pursue(ward, life, table);
            }
        }
    }

    private void Pursue(Ward ward, Life life, ProcessTable table)
    {
        var found = life.Processes.FindIn(table);
        if (found.Count == 0)
        {
            if (life.AwaitsUnit)
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
        if (life.KillAt is not { } killAt || killAt.MayHaveComeBy(_now()))
        {
            if (!life.KillSaid)
            {
                life.KillSaid = true;
                _log.Killing(ward.Service.Name, life.Epoch, found.Count);
            }

            Kill(ward.Service.Name, life.Processes, found);
        }
        else if (!life.RestAsked && life.Processes.AsksEach(table))
        {
            life.RestAsked = true;
            Attempt(ward.Service.Name, () =>
            {
                foreach (var process in found)
                {
                    _ = Processes.Signal(process, Processes.SignalTerminate);
                }
            });
        }
    }

    private void Bury(Ward ward, Life life)
    {
        _log.Dead(ward.Service.Name, life.Epoch);
        ward.Life = null;
        life.Processes.Group?.Remove();
        if (life.Record is { } record)
        {
            _forget(record);
        }

        _tellHolder(new ServiceDead(ward.Service.Name, life.Epoch));
        Publish(ward);
    }

    private void Kill(string service, ServiceProcesses processes, IEnumerable<int> found) => Attempt(service, () => processes.Kill(found));

    /// <summary>A process that this guard may not signal must not keep it from killing the others.</summary>
    private void Attempt(string service, Action signals)
    {
        try
        {
            signals();
        }
        catch (PosixException e)
        {
            _log.CannotKill(service, e.Message);
        }
    }
}
