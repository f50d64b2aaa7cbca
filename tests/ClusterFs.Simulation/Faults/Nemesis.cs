namespace ClusterFs.Simulation;

/// <summary>Makes the faults of a list happen, and undoes each after its time, or when all is healed.</summary>
public sealed class Nemesis
{
    private readonly World _world;
    private readonly List<Action> _undo = [];

    public Nemesis(World world)
    {
        _world = world;
        foreach (var fault in world.Scenario.Faults)
        {
            world.Schedule.At(fault.At, () => Strike(fault));
        }
    }

    /// <summary>Everything works again.</summary>
    public void Heal()
    {
        _world.Trace.Write("nemesis", "all is healed");
        foreach (var undo in _undo.ToList())
        {
            undo();
        }

        _undo.Clear();
        _world.Shared.Staleness = TimeSpan.Zero;
        _world.Shared.Refresh();
        var newest = _world.Scenario.Configurations.Length - 1;
        foreach (var node in _world.Nodes.Where(node => node.ConfigurationVersion != newest))
        {
            ReadConfiguration(node, newest);
        }
    }

    private void Strike(Fault fault)
    {
        _world.Schedule.Mix((long)fault.Kind);
        _world.Trace.Write("nemesis", fault.ToString());
        if (Apply(fault) is not { } undo)
        {
            return;
        }

        var once = Once(undo);
        _undo.Add(once);
        _world.Schedule.After(fault.Lasts, once);

        Action Once(Action action)
        {
            var done = false;
            Action? self = null;
            self = () =>
            {
                if (!done)
                {
                    done = true;
                    _ = _undo.Remove(self!);
                    action();
                }
            };
            return self;
        }
    }

    private Action? Apply(Fault fault)
    {
        var node = _world.Nodes[fault.Target % _world.Nodes.Length];
        var other = _world.Nodes[fault.Other % _world.Nodes.Length];
        var all = uint.MaxValue;
        var self = Network.Bit(node.Number);
        switch (fault.Kind)
        {
            case FaultKind.GuardKilled:
                return node.TakeGuardDown();
            case FaultKind.GuardKilledAtStep:
                return Trapped(node.Guard, fault, () => node.TakeGuardDown());
            case FaultKind.GuardPaused:
                return node.Guard?.Pause();
            case FaultKind.GuardPausedAtStep:
                return Trapped(node.Guard, fault, () => node.Guard!.Pause());
            case FaultKind.PowerCut:
                return node.TakeHostDown();
            case FaultKind.VoterDiskLost:
                var restart = node.TakeGuardDown();
                node.LoseVoterDisk();
                return restart;
            case FaultKind.DiskLost:
                var boot = node.TakeHostDown();
                node.LoseDisk();
                return boot;
            case FaultKind.DiskFull:
                node.DiskFull++;
                return () => node.DiskFull--;
            case FaultKind.ServiceFails:
                node.Guard?.Run(() => node.Guard?.ServiceFails());
                return null;
            case FaultKind.DaemonKilled:
                return node.TakeDaemonDown();
            case FaultKind.DaemonKilledAtStep:
                return Trapped(node.Daemon, fault, () => node.TakeDaemonDown());
            case FaultKind.DaemonPaused:
                return PauseDaemon(node);
            case FaultKind.IncarnationStarted:
                _world.StartIncarnation(node);
                return null;
            case FaultKind.IncarnationPausedAtStep when Incarnation(fault) is { } paused:
                return Trapped(paused, fault, () => paused.Pause());
            case FaultKind.IncarnationKilledAtStep when Incarnation(fault) is { } killed:
                return Trapped(killed, fault, () =>
                {
                    killed.Kill();
                    return () => { };
                });
            case FaultKind.CutOff:
                return Bring(new Weather(self, all, MessageKinds.All, Loss: 1), new Weather(all, self, MessageKinds.All, Loss: 1));
            case FaultKind.CutOneWay:
                return fault.Amount < 0.5
                    ? Bring(new Weather(self, all, MessageKinds.All, Loss: 1))
                    : Bring(new Weather(all, self, MessageKinds.All, Loss: 1));
            case FaultKind.CutBetween:
                var second = Network.Bit(other.Number);
                return fault.Amount < 0.6
                    ? Bring(new Weather(self, second, MessageKinds.All, Loss: 1), new Weather(second, self, MessageKinds.All, Loss: 1))
                    : Bring(new Weather(self, second, MessageKinds.All, Loss: 1));
            case FaultKind.CutFromDatabase:
                var database = Network.Bit(Network.Database);
                return Bring(new Weather(self, database, MessageKinds.All, Loss: 1), new Weather(database, self, MessageKinds.All, Loss: 1));
            case FaultKind.BadLinks:
                var to = fault.Other % 3 == 0 ? all : self;
                return Bring(new Weather(
                    fault.Other % 2 == 0 ? all : self, to, MessageKinds.All, fault.Amount * 0.5, (1 - fault.Amount) * 0.5, 0.5,
                    TimeSpan.Zero, _world.Scenario.LongestTtl * (fault.Amount * 1.5)));
            case FaultKind.GrantsHeld:
                return Bring(new Weather(
                    all, fault.Other % 2 == 0 ? all : self, MessageKinds.Grant, 0, 0.2, 1, _world.Scenario.LongestTtl * (fault.Other < 30 ? 1 : 3),
                    _world.Scenario.LongestTtl * ((fault.Other < 30 ? 1 : 3) + (fault.Amount * (fault.Other < 18 ? 2 : 5)))));
            case FaultKind.AcksHeld:
                return Bring(new Weather(
                    all, self, MessageKinds.RenewAnswer, 0, 0.2, 1, TimeSpan.Zero, _world.Scenario.LongestTtl * (fault.Amount * 3)));
            case FaultKind.FencesHeld:
                return Bring(new Weather(
                    all, self, MessageKinds.Fence, 0, 0.2, 1, _world.Scenario.LongestTtl * (fault.Other < 30 ? 0 : 2), _world.Scenario.LongestTtl * ((fault.Other < 30 ? 0 : 2) + (fault.Amount * 3))));
            case FaultKind.KindHeld:
                return Bring(new Weather(
                    all, fault.Amount < 0.5 ? self : all, (MessageKinds)(1 << (fault.Other % 9)), 0, 0.3, 0.4 + (fault.Amount * 0.6),
                    TimeSpan.Zero, _world.Scenario.LongestTtl * (fault.Other < 18 ? fault.Amount : fault.Amount * 3)));
            case FaultKind.DatabaseAway:
                _world.DatabaseAway++;
                return () => _world.DatabaseAway--;
            case FaultKind.DatabaseSlow:
                _world.JournalLatency = TimeSpan.FromSeconds(fault.Amount * 4);
                return () => _world.JournalLatency = TimeSpan.FromMilliseconds(5);
            case FaultKind.DatabaseSilent:
                _world.JournalSilence = fault.Amount * 0.6;
                return () => _world.JournalSilence = 0;
            case FaultKind.SharedAway:
                _world.Shared.Away++;
                return () => _world.Shared.Away--;
            case FaultKind.SharedSilent:
                _world.Shared.Silence = fault.Amount;
                return () => _world.Shared.Silence = 0;
            case FaultKind.SharedStale:
                _world.Shared.Staleness = TimeSpan.FromSeconds(fault.Amount * 60);
                return () => _world.Shared.Staleness = TimeSpan.Zero;
            case FaultKind.MoveAsked:
                Tell(new Lease.Ownership.MoveRequested(_world.Random.NextGuid(), node.Name)
                {
                    Why = fault.Other % 2 == 0 ? Lease.Ownership.MoveReason.Asked : Lease.Ownership.MoveReason.Failback,
                });
                return null;
            case FaultKind.PauseAsked:
                Tell(new Lease.Ownership.PauseRequested(_world.Random.NextGuid(), true));
                return () => Tell(new Lease.Ownership.PauseRequested(_world.Random.NextGuid(), false));
            case FaultKind.PlacementNoted:
                Tell(new Lease.Ownership.PlacementNoted(new Lease.Ownership.Placement(node.Name, fault.Other % 2 == 0 ? [] : ["another"])));
                return () => Tell(new Lease.Ownership.PlacementNoted(Lease.Ownership.Placement.None));
            case FaultKind.RatesChanged:
                var error = Lease.LeaseTimings.RateError;
                node.Host.SetRates(1 + (fault.Other % 2 == 0 ? error : -error), 1 + (fault.Amount < 0.5 ? error : fault.Amount < 0.8 ? -error : 0));
                return null;
            case FaultKind.ConfigurationRead:
                ReadConfiguration(node, fault.Other % _world.Scenario.Configurations.Length);
                return null;
            case FaultKind.ContentAdopted:
                _world.Shared.Adopt(node, fault.Other);
                return null;
            case FaultKind.DumpsPruned:
                _world.Shared.Prune(node);
                return null;
            case FaultKind.MachineStopped:
                return Stop(node);
            case FaultKind.JournalTailLost:
                _world.Journal.LoseTail(1 + fault.Other);
                foreach (var incarnation in _world.Incarnations)
                {
                    incarnation.Kill();
                }

                return null;
            case FaultKind.WallClockSet:
                _world.Sql.WallClockError += (fault.Amount - 0.5) * 4 * _world.Scenario.LongestTtl;
                return null;
            default:
                return ApplyToBystander(fault);
        }
    }

    /// <summary>What a healthy owner must not even notice.</summary>
    private Action? ApplyToBystander(Fault fault)
    {
        if (_world.Ledger.Running is not { } running)
        {
            return null;
        }

        var owner = _world.Named(running.Node);
        var bystanders = _world.Nodes.Where(node => node != owner).ToList();
        var bystander = bystanders[fault.Target % bystanders.Count];
        var self = Network.Bit(bystander.Number);
        var rest = uint.MaxValue & ~self;
        switch (fault.Kind)
        {
            case FaultKind.BystanderLost:
                Despite($"{bystander.Name} was lost");
                return bystander.TakeHostDown();
            case FaultKind.BystanderPaused:
                Despite($"{bystander.Name} was stopped");
                var (guard, daemon) = (bystander.Guard?.Pause(), PauseDaemon(bystander));
                return () =>
                {
                    guard?.Invoke();
                    daemon?.Invoke();
                };
            case FaultKind.BystanderCutOff:
                Despite($"{bystander.Name} was cut off");
                return Bring(new Weather(self, rest, MessageKinds.All, Loss: 1), new Weather(rest, self, MessageKinds.All, Loss: 1));
            case FaultKind.BystanderCutOneWay:
                Despite($"{bystander.Name} was cut off one way");
                return fault.Amount < 0.5
                    ? Bring(new Weather(self, rest, MessageKinds.All, Loss: 1))
                    : Bring(new Weather(rest, self, MessageKinds.All, Loss: 1));
            case FaultKind.BystanderCutFromNodes:
                Despite($"{bystander.Name} was cut off from all but the database");
                var nodes = rest & ~Network.Bit(Network.Database);
                return Bring(new Weather(self, nodes, MessageKinds.All, Loss: 1), new Weather(nodes, self, MessageKinds.All, Loss: 1));
            case FaultKind.BystanderCutFromOwner:
                Despite($"{bystander.Name} was cut off from it");
                var theirs = Network.Bit(owner.Number);
                return Bring(new Weather(self, theirs, MessageKinds.All, Loss: 1), new Weather(theirs, self, MessageKinds.All, Loss: 1));
            case FaultKind.DaemonsLost:
                Despite("all daemons were gone");
                var restarts = _world.Nodes.Select(node => node.TakeDaemonDown()).ToList();
                return () => restarts.ForEach(restart => restart());
            case FaultKind.OwnersDaemonLost:
                Despite("its daemon was gone");
                return owner.TakeDaemonDown();
            case FaultKind.DatabaseLost:
                Despite("the database was away");
                _world.DatabaseAway++;
                return () => _world.DatabaseAway--;
            case FaultKind.SharedLost:
                Despite("shared storage was away");
                _world.Shared.Away++;
                return () => _world.Shared.Away--;
            default:
                return null;
        }
    }

    private void Despite(string what)
    {
        if (_world.Ledger.HealthyDespite is not null)
        {
            _world.Ledger.HealthyDespite = what;
        }
    }

    private Action Bring(params Weather[] weathers)
    {
        foreach (var weather in weathers)
        {
            _world.Network.Begin(weather);
        }

        return () =>
        {
            foreach (var weather in weathers)
            {
                _world.Network.End(weather);
            }
        };
    }

    private void Tell(Lease.Ownership.OwnershipInput input)
    {
        foreach (var incarnation in _world.Incarnations.ToList())
        {
            incarnation.Feed(input);
        }
    }

    private OwnershipProcess? Incarnation(Fault fault) =>
        _world.Incarnations.Count == 0 ? null : _world.Incarnations[fault.Other % _world.Incarnations.Count];

    private Action? PauseDaemon(Node node)
    {
        var paused = new List<Action>();
        if (node.Daemon is { } daemon)
        {
            paused.Add(daemon.Pause());
        }

        paused.AddRange(_world.Incarnations.Where(incarnation => incarnation.Node == node).Select(incarnation => incarnation.Pause()));
        return () => paused.ForEach(resume => resume());
    }

    /// <summary>What befalls a process between two of its next effects is undone as any other fault is.</summary>
    private static Action? Trapped(SimulatedProcess? process, Fault fault, Func<Action?> befalls)
    {
        if (process is null)
        {
            return null;
        }

        Action? undo = null;
        process.SetTrap(1 + (int)(fault.Amount * 12), () => undo = befalls());
        return () =>
        {
            process.ClearTrap();
            undo?.Invoke();
        };
    }

    private Action Stop(Node node)
    {
        // Whole, clocks and all: a paused virtual machine. The service in it stands still as well, and goes on where it was.
        node.Host.StopClocks();
        var (guard, daemon) = (node.Guard?.Pause(), PauseDaemon(node));
        return () =>
        {
            node.Host.ContinueClocks();
            guard?.Invoke();
            daemon?.Invoke();
        };
    }

    private static void ReadConfiguration(Node node, int version)
    {
        if (node.ConfigurationVersion == version)
        {
            return;
        }

        // A guard keeps what it started with; a daemon reads the new one as it starts.
        var restart = node.TakeDaemonDown();
        node.ConfigurationVersion = version;
        restart();
    }
}
