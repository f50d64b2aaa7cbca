using System.Collections.Immutable;
using Akka.Actor;
using Akka.Configuration;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Journal;
using ClusterFs.Ownership.Messages;
using ClusterFs.Posix;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClusterFs.Ownership.Tests;

/// <summary>What the ownership of service `wiki` on nodes n1 to n3 needs around it.</summary>
internal static class OwnershipScene
{
    public const string Service = "wiki";

    /// <summary>Nothing that these tests do takes as long as a lease.</summary>
    public static LeaseTimings Timings { get; } = new(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(5));

    public static OwnershipSettings Settings { get; } = new(
        Service, ImmutableSortedSet.Create(StringComparer.Ordinal, "n1", "n2", "n3"), ["n1", "n2", "n3"], Timings);

    public static Instant Now() => new(MachineClock.Boottime, MachineClock.MonotonicRaw);

    public static MachineVoters Voters(Binding? floor = null) =>
        new(Now, Timings.Ttl, floor ?? Binding.None, Service, "n1", "n2", "n3");

    public static Config Config(ScratchJournal journal) => ConfigurationFactory.ParseString("""
        akka.loglevel = WARNING
        akka.actor.provider = local
        akka.test.single-expect-default = 10s
        """).WithFallback(journal.Store.ToConfig()).WithFallback(OwnershipConfiguration.Load());

    public static Props Actor(ScratchJournal journal, IVoters voters, FlapDamping? damping = null) => OwnershipActor.Props(
        Settings with { Damping = damping }, Surroundings(journal, voters));

    public static OwnershipSurroundings Surroundings(ScratchJournal journal, IVoters voters) =>
        new(voters, new EpochTable(journal.Store), Now, TimeProvider.System, NullLogger.Instance);

    public static ReportNode Waiting(string node, long closed = 0) =>
        new(Service, new NodeReport(node, true, closed == 0 ? null : LeasePhase.Closed, closed, closed, "the service ended"), NodeSight.Nothing(node));

    public static ReportNode Running(string node, long epoch) =>
        new(Service, new NodeReport(node, true, LeasePhase.Running, epoch, epoch - 1, null), NodeSight.Nothing(node));
}
