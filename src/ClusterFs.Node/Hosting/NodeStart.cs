using System.Collections.Immutable;
using Akka.Actor;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Guard.SqlVoting;
using ClusterFs.Lease;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Cluster;
using ClusterFs.Node.Content;
using ClusterFs.Node.Draining;
using ClusterFs.Node.Fencing;
using ClusterFs.Node.Guards;
using ClusterFs.Node.Rollouts;
using ClusterFs.Node.Notifications;
using ClusterFs.Node.Seeded;
using ClusterFs.Node.Static;
using ClusterFs.Ownership;
using ClusterFs.Ownership.Notifications;
using ClusterFs.Ownership.Journal;
using ClusterFs.Ownership.Messages;
using ClusterFs.Ownership.Sharding;
using ClusterFs.Ownership.SplitBrain;

namespace ClusterFs.Node.Hosting;

/// <summary>
/// Puts the actors of this node to work. The agents start at once, so that services that run are dumped whatever else is away; ownership
/// starts when the journal was seen to be in order.
/// </summary>
internal sealed class NodeStart(
    ActorSystem system,
    Settings settings,
    NodeIdentity identity,
    ContentShelf contents,
    SeededKeeper seeded,
    ConfigKeeper config,
    StaticKeeper published,
    NodeBoard board,
    CleanEndMarker marker,
    StartCount starts,
    NodeFailure failure,
    Notifier notifier,
    TimeProvider time,
    ILoggerFactory loggers) : IHostedService, IAsyncDisposable
{
    private const int SqlVoterLooksPerTtl = 8;

    /// <summary>A node that was away serves what the others do before services start on it; for no longer than that.</summary>
    private static readonly TimeSpan CatchUpPatience = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stopping = new();
    private readonly ILogger _logger = loggers.CreateLogger("clusterfs");
    private readonly JournalStore _store = ClusterConfiguration.StoreOf(settings);
    private readonly VoterClient _voters = new(settings.Cluster.Nodes, settings.Cluster.GuardPort, identity.Tls);
    private readonly SqlVoterShell _sqlVoter = AskerOfSqlVoter(settings);
    private readonly ClusterClaim _claim = new(system, settings.Node.Name);
    private EpochTable? _epochs;
    private GuardLink? _guard;
    private Task _running = Task.CompletedTask;

    private ReportPace Pace => ReportPace.Of(settings.Services.Count);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        published.Begin(loggers.CreateLogger("clusterfs.static"));
        await published.CatchUpAsync(CatchUpPatience, cancellationToken).ConfigureAwait(false);
        _epochs = new EpochTable(_store);
        _guard = new GuardLink(settings.Node.GuardSocket, time);
        var agents = settings.Services.Values
            .Where(service => service.Nodes.Contains(settings.Node.Name))
            .Select(service => new AgentSettings(settings.Node.Name, service.Name, service.Live.DumpEvery)
            {
                Pace = Pace,
                Leader = service.Together.IsEmpty || service.Together[0] == service.Name ? null : service.Together[0],
                Followers = service.Together.IsEmpty || service.Together[0] != service.Name ? [] : [.. service.Together.Skip(1)],
                KeepsStandby = service.Live.Standby == StandbyKind.Warm,
                Rehearsal = service.Live.Rehearsal.Every is { } every
                    ? new RehearsalPace(every, service.Nodes.IndexOf(settings.Node.Name), service.Nodes.Length)
                    : null,
            })
            .ToImmutableArray();
        var surroundings = new AgentSurroundings(
            contents.Of, command => _guard.TrySend(command), board, () => GuardClock.Now, time, loggers.CreateLogger("clusterfs.agent"))
        {
            Drains = new DrainMark(settings.Node.StateDirectory),
        };
        board.Agent = system.ActorOf(NodeAgent.Props(settings.Node.Name, agents, surroundings), NodeAgent.Name);
        seeded.Begin(loggers.CreateLogger("clusterfs.seeded"));
        system.ActorOf(SeededActor.Props(settings, seeded), SeededActor.Name);
        system.ActorOf(ConfigActor.Props(settings, config, time, loggers.CreateLogger("clusterfs.config")), ConfigActor.Name);
        system.ActorOf(StaticActor.Props(settings, published), StaticActor.Name);
        if (identity.Tls is { } tls && tls.Expires - time.GetUtcNow() < TimeSpan.FromDays(30))
        {
            _logger.CertificateEnds(tls.Expires);
        }

        _running = Task.WhenAll(
            PassOnGuardAsync(_guard, board.Agent),
            GuardedAsync(KeepUnityAsync),
            GuardedAsync(WatchNodesAsync),
            Task.Run(() => new JournalWatch(_store, time).RunAsync(NoteJournal, _stopping.Token), CancellationToken.None),
            GuardedAsync(async cancellation =>
            {
                // Sharding looks for its coordinator as soon as it starts, so the cluster has to be there first. Who may not begin one may wait for
                // it forever, and a journal that cannot be used is to be told meanwhile.
                await AllAsync(cancellation, VerifyJournalAsync, JoinAsync).ConfigureAwait(false);
                await StartOwnershipAsync().ConfigureAwait(false);
            }));
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        await _claim.LeaveAsync().ConfigureAwait(false);
        if (_guard is not null)
        {
            await _guard.DisposeAsync().ConfigureAwait(false);
        }

        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public async ValueTask DisposeAsync()
    {
        _voters.Dispose();
        _sqlVoter.Dispose();
        _stopping.Dispose();
        if (_epochs is not null)
        {
            await _epochs.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static SqlVoterShell AskerOfSqlVoter(Settings settings)
    {
        var timings = new LeaseTimings(settings.Lease.Ttl, settings.Lease.StopBudget);

        // The end of a promise in the database is seen only by looking, so a failover takes as much longer as this is apart.
        var isVoter = settings.Cluster.Voters.Contains(SqlVoterMachine.Name);
        return new SqlVoterShell(
            SqlVoterSource.Of(settings.Journal, timings.ProbeFreshness),
            timings.ProbeFreshness,
            isVoter ? timings.Ttl / SqlVoterLooksPerTtl : null,
            () => GuardClock.Now);
    }

    private static async Task PassOnGuardAsync(GuardLink guard, IActorRef agent)
    {
        await foreach (var heard in guard.Events.ReadAllAsync().ConfigureAwait(false))
        {
            agent.Tell(heard);
        }
    }

    private void NoteJournal(JournalCondition journal)
    {
        board.Journal = journal;
        if (!journal.Reachable)
        {
            _logger.JournalUnreachable(_store.ToString(), journal.Problem ?? "");
        }
        else
        {
            _logger.JournalReachable(_store.ToString());
        }
    }

    /// <summary>Ends when all have ended; the first that fails ends the others, and is what this fails with.</summary>
    private static async Task AllAsync(CancellationToken cancellation, params Func<CancellationToken, Task>[] starts)
    {
        using var together = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var all = starts.Select(start => start(together.Token)).ToList();
        try
        {
            await foreach (var ended in Task.WhenEach(all).ConfigureAwait(false))
            {
                await ended.ConfigureAwait(false);
            }
        }
        finally
        {
            await together.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(all).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task GuardedAsync(Func<CancellationToken, Task> start)
    {
        try
        {
            await start(_stopping.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The daemon ends.
        }
#pragma warning disable CA1031 // Whatever it is, a daemon without its part in the cluster must not look like one with it.
        catch (Exception problem)
#pragma warning restore CA1031
        {
            failure.Set(problem is JournalRefusedException ? problem.Message : problem.ToString());
        }
    }

    private Task JoinAsync(CancellationToken cancellation) => new ClusterJoin(system, settings, _claim, time, _logger)
        .RunAsync(marker.PredecessorEndedUncleanly && starts.IsFirst, afterDowning: !starts.IsFirst, cancellation);

    private Task KeepUnityAsync(CancellationToken cancellation) => settings.Cluster.Nodes.Count > 1
        ? new ClusterUnity(system, settings, _claim, time, _logger).RunAsync(cancellation)
        : Task.CompletedTask;

    private Task WatchNodesAsync(CancellationToken cancellation) =>
        new NodeWatch(system, settings, _claim, board, notifier, time, loggers.CreateLogger("clusterfs.notify")).RunAsync(cancellation);

    private async Task VerifyJournalAsync(CancellationToken cancellation)
    {
        var check = JournalLook.CheckOf(_store, time, loggers.CreateLogger<JournalCheck>());
        await check.PrepareAsync(cancellation).ConfigureAwait(false);
        JournalCheck.StartPlugin(system);
        var isNew = await check.VerifyAsync(cancellation).ConfigureAwait(false);
        _logger.JournalVerified(_store.ToString());
        MakeRowsOfSqlVoter();
        if (isNew && settings.Journal.Provider == JournalProvider.Sqlite)
        {
            // Nothing was ever granted, and all nodes are on this machine: no archive can be there to be missed, and no mount.
            contents.InitializeArchive(_logger);
        }
    }

    /// <summary>A new row votes a TTL after it was first seen: begun now, that is over when a service first asks for an owner. A question that
    /// is lost costs only the time.</summary>
    private void MakeRowsOfSqlVoter()
    {
        if (settings.Cluster.Voters.Contains(SqlVoterMachine.Name))
        {
            foreach (var service in settings.Services.Keys)
            {
                _ = _sqlVoter.AskAsync(new Probe(service, Guid.NewGuid())).ContinueWith(
                    static answer => _ = answer.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            }
        }
    }

    private async Task StartOwnershipAsync()
    {
        var timings = new LeaseTimings(settings.Lease.Ttl, settings.Lease.StopBudget);
        var services = settings.Services.Values.ToDictionary(
            service => service.Name,
            service => new OwnershipSettings(service.Name, settings.Cluster.Voters, PreferencesOf(service), timings)
            {
                Company = new Company(service.DependsOn, service.Together),
                Pace = Pace,
                PowerFencing = PowerFencing(),
                Failback = FailbackPolicyOf(service),
                Damping = service.Failover.Max == 0 ? null : new FlapDamping(service.Failover.Max, service.Failover.StableAfter),
            },
            StringComparer.Ordinal);
        var region = await OwnershipRegion.StartAsync(
            system,
            services,
            new OwnershipSurroundings(
                new GuardVoters(_voters, _sqlVoter), _epochs!, () => GuardClock.Now, time, loggers.CreateLogger("clusterfs.ownership"))
            {
                Node = settings.Node.Name,
                Away = NodesAway,
                AskNodes = AskNodes,
                AskOther = (question, asker) => board.Region?.Tell(question, asker),
                Notify = notifier.Tell,
                Limits = service => settings.NotifyOf(service) is { } notify ? new NotificationLimits(notify.VacantAfter, notify.OverdueAfterFor(settings.RequireService(service).Live.DumpEvery)) : NotificationLimits.Default,
                RunFence = settings.Fence is { } fence ? new FenceCommand(fence, loggers.CreateLogger("clusterfs.fence")).RunAsync : null,
            },
            board.Owners,
            address => ClusterConfiguration.NodeAt(settings, address)).ConfigureAwait(false);
        board.Agent.Tell(new RegionReady(region));
    }

    /// <summary>Services that are kept together are all granted in the order of the one that leads, so that each finds the same node by itself.</summary>
    private ImmutableArray<string> PreferencesOf(ServiceSettings service) =>
        service.Together.IsEmpty ? service.Nodes : settings.Services[service.Together[0]].Nodes;

    private ImmutableSortedSet<string> NodesAway()
    {
        var cluster = Akka.Cluster.Cluster.Get(system).State;
        return settings.Cluster.Nodes.Keys
            .Except(cluster.Members.Except(cluster.Unreachable).Select(member => ClusterConfiguration.NodeAt(settings, member.Address) ?? ""))
            .ToImmutableSortedSet(StringComparer.Ordinal);
    }

    private void AskNodes(ReportWanted wanted)
    {
        foreach (var member in Akka.Cluster.Cluster.Get(system).State.Members)
        {
            system.ActorSelection(new RootActorPath(member.Address) / "user" / NodeAgent.Name / wanted.Service).Tell(wanted, ActorRefs.NoSender);
        }
    }

    private static FailbackPolicy FailbackPolicyOf(ServiceSettings service) => new(service.Failback.Kind switch
    {
        FailbackKind.Never => FailbackMode.Never,
        FailbackKind.Manual => FailbackMode.Manual,
        FailbackKind.After => FailbackMode.After,
        FailbackKind.Window => FailbackMode.Window,
        _ => throw new ArgumentOutOfRangeException(nameof(service), service.Failback.Kind, "unknown kind of failback"),
    })
    {
        After = service.Failback.After,
        From = service.Failback.From,
        Until = service.Failback.Until,
        NeedsCopy = service.Live.Standby == StandbyKind.Warm,
    };

    private PowerFencing? PowerFencing() => settings.Fence is { } fence
        ? new PowerFencing((fence.Nodes.IsEmpty ? settings.Cluster.Nodes.Keys : fence.Nodes.Keys).ToImmutableSortedSet(StringComparer.Ordinal))
        : null;
}
