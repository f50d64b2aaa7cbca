using ClusterFs.Faults.Injection;
using ClusterFs.Faults.Schedule;
using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults.Checking;

/// <summary>Writing went from one node to another without anybody having asked for it.</summary>
/// <param name="From">The last process on the old node.</param>
/// <param name="To">The first one that wrote on the new node.</param>
/// <param name="Causes">The kinds of the faults that were there when the old one ended.</param>
internal sealed record Failover(WriterLife From, WriterLife To, IReadOnlyList<string> Causes)
{
    /// <summary>What has no end of its own is a cause for so long.</summary>
    private static readonly TimeSpan Aftermath = TimeSpan.FromSeconds(5);

    /// <summary>What is killed was last seen a little before that.</summary>
    private static readonly TimeSpan Unseen = TimeSpan.FromMilliseconds(500);

    /// <summary>From the last acknowledgement to the first of the new node.</summary>
    public TimeSpan Took => To.FirstAcknowledgement!.Value - From.LastAcknowledgement!.Value;

    public string Cause => Causes.Count == 0 ? "nothing" : string.Join(" + ", Causes);

    public static IReadOnlyList<Failover> Find(Evidence evidence)
    {
        var wrote = evidence.Lives.Where(life => life.Acknowledged.Count > 0).ToList();
        return
        [
            .. wrote.Zip(wrote.Skip(1))
                .Where(pair => pair.First.Node != pair.Second.Node && !WasAskedFor(pair.Second, evidence))
                .Select(pair => new Failover(pair.First, pair.Second, CausesOf(pair.First, evidence.Faults))),
        ];
    }

    /// <summary>Also when whoever asked was never told that it succeeded.</summary>
    private static bool WasAskedFor(WriterLife next, Evidence evidence) => evidence.Moves.Any(move =>
        move.Epoch == next.Epoch || (move.To == next.Node && move.Began <= next.Began && next.Began <= move.Ended + Aftermath));

    private static IReadOnlyList<string> CausesOf(WriterLife ended, IReadOnlyList<InjectedFault> faults) =>
    [
        .. faults
            .Where(fault => fault.Fault is not Fault.PlannedMove && fault.Began <= ended.LastSeen + Unseen && fault.Ended + Aftermath >= ended.LastSeen)
            .Select(fault => fault.Fault.Kind)
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];
}
