using System.Collections.Frozen;
using System.Text.RegularExpressions;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;
using Hyperion;

namespace ClusterFs.Ownership.Wire;

/// <summary>
/// The types that may be read from the wire; everything else is refused before it is made. Hyperion's own filter compares names with and
/// without assembly versions and so refuses all: this one compares without. Daemons of two versions meet during an upgrade, and none can read a type
/// that has got or lost a member: what is new goes into a type of its own.
/// </summary>
internal sealed partial class WireTypes : ITypeFilter
{
    public static WireTypes AllowList { get; } = new();

    private static readonly FrozenSet<string> Allowed = new[]
    {
        typeof(ReportNode),
        typeof(NodeReport),
        typeof(LeasePhase),
        typeof(LeasePhase?),
        typeof(NodeSight),
        typeof(NodeSight[]),
        typeof(RehearsalSight),
        typeof(OwnershipView),
        typeof(OwnershipStage),
        typeof(GrantOwnership),
        typeof(DrainOwnership),
        typeof(ReportWanted),
        typeof(MoveService),
        typeof(PauseService),
        typeof(RequestAnswered),
        typeof(GetOwnership),
        typeof(GetHistory),
        typeof(ExplainOwnership),
        typeof(OwnershipExplained),
        typeof(NodeStanding),
        typeof(NodeStanding[]),
        typeof(ForeseeOwnership),
        typeof(OwnershipForeseen),
        typeof(ForeseenEvent),
        typeof(ForeseenEvent[]),
        typeof(double?),
        typeof(OwnershipHistory),
        typeof(HistoryEntry),
        typeof(HistoryEntry[]),
        typeof(GetMeasuredHistory),
        typeof(MeasuredHistory),
        typeof(MeasuredEntry),
        typeof(MeasuredEntry[]),
        typeof(GetPlacement),
        typeof(PlacementTold),
        typeof(AskDrain),
        typeof(DrainNode),
        typeof(DrainTold),
        typeof(DrainLeft),
        typeof(DrainLeft[]),
        typeof(AskSeeded),
        typeof(SeededTask),
        typeof(SeededAnswered),
        typeof(AskConfig),
        typeof(ConfigTask),
        typeof(ConfigAnswered),
        typeof(LookAtConfig),
        typeof(StaticSighted),
        typeof(AskStatic),
        typeof(StaticAnswered),
        typeof(TimeSpan),
        typeof(TimeSpan?),
        typeof(DateTimeOffset?),
        typeof(long?),
        typeof(string[]),
    }.Select(type => Short(type.AssemblyQualifiedName!)).ToFrozenSet(StringComparer.Ordinal);

    public bool IsAllowed(string typeName) => Allowed.Contains(Short(typeName));

    private static string Short(string name) => AssemblyDetails().Replace(name, "").Replace("System.Private.CoreLib,%core%", "%core%", StringComparison.Ordinal)
        .Replace("System.Private.CoreLib", "%core%", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal);

    [GeneratedRegex(@",\s*(Version|Culture|PublicKeyToken)=[^,\]]*")]
    private static partial Regex AssemblyDetails();
}
