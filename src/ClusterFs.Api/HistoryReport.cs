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
public sealed record HistoryEntry(DateTimeOffset At, string Event, long? Epoch, string? Node, string Text);
