namespace ClusterFs.Faults.Workload;

/// <summary>One thing that the workload wrote.</summary>
/// <param name="Run">The name of one process of the workload, unique among all.</param>
/// <param name="Number">Counted by that process from 1.</param>
internal readonly record struct Record(string Run, long Number)
{
    public override string ToString() => $"{Run}/{Number}";
}
