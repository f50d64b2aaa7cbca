using System.Collections.Immutable;

namespace ClusterFs.Api;

/// <summary>What happened to a service, as the journal remembers it: the answer to <see cref="ApiRoutes.History"/>.</summary>
/// <param name="Service">The service.</param>
/// <param name="Entries">Oldest first.</param>
public sealed record HistoryReport(string Service, ImmutableArray<HistoryEntry> Entries);

/// <param name="At">By a wall clock: for people.</param>
/// <param name="Event">What it was, in lower case: granted, released, fencing, move, …</param>
/// <param name="Epoch">The epoch it is about; null where it is about none.</param>
/// <param name="Node">The node it is about; null where it is about none.</param>
/// <param name="Text">The same in a sentence, with the reason.</param>
public sealed record HistoryEntry(DateTimeOffset At, string Event, long? Epoch, string? Node, string Text)
{
    /// <summary>start, failover or move, where an epoch is fenced, granted or started; null elsewhere.</summary>
    public string? Cause { get; init; }

    /// <summary>Of a start: how long before the fence for its epoch had begun, by wall clocks. A failover's outage began up to a TTL earlier.</summary>
    public double? DurationSeconds { get; init; }

    /// <summary>Of a grant by failover: no more than what the lost owner wrote in the last so many seconds before it is missing; null where nobody knows.</summary>
    public double? LostSeconds { get; init; }

    /// <summary>Roughly how much that is.</summary>
    public long? LostBytes { get; init; }
}
