namespace ClusterFs.Demo.Writing;

/// <summary>A row that the service said it had committed.</summary>
/// <param name="Number">Counted by the client; unique for each attempt to write.</param>
/// <param name="Id">The service's own.</param>
/// <param name="Text">As it was written.</param>
/// <param name="AcknowledgedAt">On this machine's boot-time clock.</param>
/// <param name="By">Which candidate acknowledged it.</param>
public sealed record AcknowledgedRow(long Number, long Id, string Text, TimeSpan AcknowledgedAt, Uri By);

/// <summary>A time in which writes failed.</summary>
/// <param name="From">The last acknowledgement before it.</param>
/// <param name="Until">The first acknowledgement after it; null while it lasts.</param>
/// <param name="Failures">Attempts that were not acknowledged.</param>
public sealed record Outage(TimeSpan From, TimeSpan? Until, int Failures)
{
    /// <summary>Zero while it lasts.</summary>
    public TimeSpan Duration => (Until ?? From) - From;
}
