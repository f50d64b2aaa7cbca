using System.Diagnostics;
using ClusterFs.Lease.Holder;

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
            var isDue = life.KillAt is not { } last || last.MayHaveComeBy(_now());
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
        if (life.KillAt is not { } killAt || killAt.MayHaveComeBy(_now()))
        {
            var problems = life.Processes.Kill(found);
            if (!life.KillSaid)
            {
                life.KillSaid = true;
                _log.Killing(ward.Service.Name, life.Epoch, found.Count);
            }

            Complain(ward.Service.Name, problems);
        }
        else if (!life.RestAsked && life.Processes.AsksEach(table))
        {
            life.RestAsked = true;
            Complain(ward.Service.Name, life.Processes.TerminateEach(found));
        }
    }

    private void Bury(Ward ward, Life life)
    {
        _log.Dead(ward.Service.Name, life.Epoch);
        ward.Life = null;
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
