using System.Collections.Immutable;

namespace ClusterFs.Configuration;

/// <summary>A command that tells somebody what has happened.</summary>
/// <param name="Command">Run by <c>/bin/sh</c>, as the daemon's user.</param>
/// <param name="On">The events that it is run for, of <see cref="NotificationEvents.All"/>.</param>
/// <param name="Timeout">Then it is killed with all that it started, and has failed. 1 s to 1 h, default 30 s.</param>
/// <param name="VacantAfter">How long a service may have no owner before that is an event. 1 s to 1 d, default 1 min.</param>
/// <param name="OverdueAfter">How long its owner's writes may be in no dump before that is an event. 1 s to 30 d and more than dump-every; null: see <see cref="OverdueAfterFor"/>.</param>
public sealed record NotificationSettings(
    string Command, ImmutableSortedSet<string> On, TimeSpan Timeout, TimeSpan VacantAfter, TimeSpan? OverdueAfter)
{
    /// <summary>How long a node's daemon may not be reached, or its guard not answer it, before that is an event. 1 s to 1 d.</summary>
    public TimeSpan NodeLostAfter { get; init; } = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan ShortestDefault = TimeSpan.FromMinutes(5);

    /// <summary>As it is written; else 5 min, or three times the pace of the dumps where that is longer.</summary>
    public TimeSpan OverdueAfterFor(TimeSpan dumpEvery) =>
        OverdueAfter ?? (dumpEvery * 3 > ShortestDefault ? dumpEvery * 3 : ShortestDefault);
}

/// <summary>What somebody can be told of, by name; hocon/clusterfs.conf says what each is.</summary>
public static class NotificationEvents
{
    /// <summary>Somebody asked for it: not in <see cref="All"/>, and run whatever is chosen.</summary>
    public const string Test = "test";

    private static readonly string[] Asked = ["moved", "started", "paused", "resumed"];

    /// <summary>What is of a node and of no service, so that only the command for all services is run for it.</summary>
    public static ImmutableSortedSet<string> OfNodes { get; } = ImmutableSortedSet.Create(
        StringComparer.Ordinal, "node-lost", "node-back", "guard-lost", "guard-back");

    /// <summary>What nobody did on purpose, and what is of a service.</summary>
    public static ImmutableSortedSet<string> UnaskedOfServices { get; } = ImmutableSortedSet.Create(
        StringComparer.Ordinal,
        "failover", "lost", "move-abandoned", "power-fenced", "left-alone", "vacant", "divergent", "dump-overdue", "rehearsal-failed");

    public static ImmutableSortedSet<string> OfServices { get; } = UnaskedOfServices.Union(Asked);

    public static ImmutableSortedSet<string> All { get; } = OfServices.Union(OfNodes);
}
