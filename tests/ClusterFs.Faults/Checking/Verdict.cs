namespace ClusterFs.Faults.Checking;

/// <summary>Something that must never happen, and did.</summary>
/// <param name="Rule">Which promise was broken.</param>
/// <param name="What">By whom, when and how.</param>
internal sealed record Violation(string Rule, string What)
{
    public override string ToString() => $"{Rule}: {What}";
}

/// <summary>What became of the records that the workload had acknowledged.</summary>
/// <param name="Acknowledged">All of them.</param>
/// <param name="InLine">In the restored head of the line.</param>
/// <param name="Divergent">Not in the line, but in a divergent dump.</param>
/// <param name="OnDisk">In neither, but still on the disk of the node that wrote them.</param>
/// <param name="LostWithDisk">Gone with a disk, as was announced.</param>
/// <param name="Thrown">None of these.</param>
internal sealed record RecordFates(int Acknowledged, int InLine, int Divergent, int OnDisk, int LostWithDisk, int Thrown);

internal sealed record Verdict(IReadOnlyList<Violation> Violations, RecordFates Fates);
