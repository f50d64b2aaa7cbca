using ClusterFs.Lease.Ownership;

namespace ClusterFs.Simulation;

/// <summary>Draws faults from the seed, one at a time, and undoes them after a while.</summary>
public sealed class Nemesis(World world)
{
    private readonly SeededRandom _random = world.Random;
    private bool _over;

    public void Begin() => world.Schedule.After(TimeSpan.FromSeconds(1), Strike);

    /// <summary>Everything works again, and stays so.</summary>
    public void End()
    {
        _over = true;
        world.Trace.Write("nemesis", "all is healed");
        world.Network.Heal();
        world.Journal.Away = false;
        world.Journal.Silence = 0;
        world.JournalLatency = TimeSpan.FromMilliseconds(5);
        foreach (var node in world.Voters)
        {
            if (world.Guard(node) is { } guard)
            {
                guard.Resume();
            }
            else
            {
                world.StartGuard(node);
            }
        }

        foreach (var incarnation in world.Incarnations)
        {
            incarnation.Resume();
        }
    }

    private void Strike()
    {
        if (_over)
        {
            return;
        }

        world.Schedule.After(TimeSpan.FromSeconds(1) * _random.Fraction() * 2, Strike);
        if (!_random.Chance(world.Settings.FaultsPerSecond))
        {
            return;
        }

        var node = _random.Pick(world.Voters);
        var lasts = _random.Between(TimeSpan.FromMilliseconds(200), world.Settings.Timings.Ttl * 3);
        switch (_random.Below(12))
        {
            case 0:
                Undo(lasts, Killed(node));
                break;
            case 1 when _random.Chance(0.3):
                var restart = Killed(node);
                world.WipeDisk(node);
                Undo(lasts, restart);
                break;
            case 2 when world.Guard(node) is { Paused: false } guard:
                world.Trace.Write(node, "the guard is paused");
                guard.Pause();
                Undo(lasts, guard.Resume);
                break;
            case 3:
                Partition(node, inwards: true, outwards: true, lasts);
                break;
            case 4:
                Partition(node, inwards: _random.Chance(0.5), outwards: true, lasts);
                break;
            case 5:
                var other = _random.Pick(world.Voters);
                world.Trace.Write("nemesis", $"{node} and {other} do not hear each other");
                world.Network.Cut(node, other);
                world.Network.Cut(other, node);
                Undo(lasts, world.Network.Heal);
                break;
            case 6:
                world.Network.Loss = _random.Fraction() * 0.5;
                world.Network.Duplication = _random.Fraction() * 0.5;
                world.Network.Delay = _random.Between(TimeSpan.FromMilliseconds(5), world.Settings.Timings.Ttl * 1.5);
                world.Trace.Write("nemesis", $"loss {world.Network.Loss:P0}, duplication {world.Network.Duplication:P0}, delay {world.Network.Delay.TotalMilliseconds:F0} ms");
                Undo(lasts, world.Network.Heal);
                break;
            case 7:
                world.Trace.Write("nemesis", "the journal is away");
                world.Journal.Away = true;
                Undo(lasts, () => world.Journal.Away = false);
                break;
            case 8:
                world.Journal.Silence = _random.Fraction() * 0.6;
                world.JournalLatency = _random.Between(TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(4));
                Undo(lasts, () =>
                {
                    world.Journal.Silence = 0;
                    world.JournalLatency = TimeSpan.FromMilliseconds(5);
                });
                break;
            case 9:
                world.Trace.Write("nemesis", $"another incarnation is started on {node}");
                world.StartIncarnation(node);
                break;
            case 10 when world.Incarnations.Count > 0:
                var incarnation = _random.Pick(world.Incarnations);
                if (_random.Chance(0.5))
                {
                    incarnation.Kill();
                }
                else
                {
                    incarnation.Pause();
                    Undo(lasts, incarnation.Resume);
                }

                break;
            case 11:
                foreach (var asked in world.Incarnations)
                {
                    asked.Feed(new MoveRequested(_random.NextGuid(), node));
                }

                break;
        }
    }

    private Action Killed(string node)
    {
        if (world.Guard(node) is null)
        {
            return () => { };
        }

        world.KillGuard(node);
        return () =>
        {
            if (world.Guard(node) is null)
            {
                world.StartGuard(node);
            }
        };
    }

    private void Partition(string node, bool inwards, bool outwards, TimeSpan lasts)
    {
        world.Trace.Write("nemesis", $"{node} is cut off{(inwards ? ", hears nobody" : "")}{(outwards ? ", is heard by nobody" : "")}");
        foreach (var peer in world.Voters.Where(peer => peer != node))
        {
            if (inwards)
            {
                world.Network.Cut(peer, node);
            }

            if (outwards)
            {
                world.Network.Cut(node, peer);
            }
        }

        Undo(lasts, world.Network.Heal);
    }

    private void Undo(TimeSpan after, Action undo) => world.Schedule.After(after, () =>
    {
        if (!_over)
        {
            undo();
        }
    });
}
