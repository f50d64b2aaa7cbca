namespace ClusterFs.Faults.Schedule;

/// <summary>Some faults, which may overlap; a quiet time follows.</summary>
/// <param name="Number">Counted from 1.</param>
/// <param name="Faults">In the order in which they begin.</param>
internal sealed record Round(int Number, IReadOnlyList<PlannedFault> Faults)
{
    /// <summary>From its beginning to the end of the last fault.</summary>
    public TimeSpan Length => Faults.Max(fault => fault.Until);
}

/// <param name="At">After the beginning of the round.</param>
/// <param name="For">Zero for what has no end of its own.</param>
/// <param name="Fault">What happens.</param>
internal sealed record PlannedFault(TimeSpan At, TimeSpan For, Fault Fault)
{
    public TimeSpan Until => At + For;
}
