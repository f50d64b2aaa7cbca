using ClusterFs.Faults.Schedule;

namespace ClusterFs.Faults.Injection;

/// <summary>A fault that really happened, on the boot-time clock.</summary>
/// <param name="Round">The round that it belongs to.</param>
/// <param name="Fault">As it was drawn.</param>
/// <param name="Hosts">Who was hit.</param>
/// <param name="Began">Before anything was done.</param>
/// <param name="Ended">After it was undone; for what has no end, after it was done.</param>
internal sealed record InjectedFault(int Round, Fault Fault, IReadOnlyList<string> Hosts, TimeSpan Began, TimeSpan Ended);

/// <summary>A planned move that somebody asked for.</summary>
/// <param name="To">Where to.</param>
/// <param name="Began">Before it was asked for.</param>
/// <param name="Ended">When there was an answer.</param>
/// <param name="Epoch">The new epoch, if it succeeded.</param>
/// <param name="Answer">What the command said.</param>
internal sealed record PlannedMove(string To, TimeSpan Began, TimeSpan Ended, long? Epoch, string Answer);
