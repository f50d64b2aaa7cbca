namespace ClusterFs.Demo.Status;

/// <summary>What the owner announced would be lost if it died now.</summary>
/// <param name="Owner">The node that owns the service, and that was asked.</param>
/// <param name="Epoch">The owner's epoch.</param>
/// <param name="AskedAt">On this machine's boot-time clock, before the question.</param>
/// <param name="AnsweredAt">After the answer.</param>
/// <param name="AtRisk">The announced age of the oldest content that the archive does not have.</param>
/// <param name="Bytes">The announced amount, where it is known.</param>
public sealed record RiskAnnouncement(string Owner, long Epoch, TimeSpan AskedAt, TimeSpan AnsweredAt, TimeSpan AtRisk, long? Bytes)
{
    /// <summary>Nothing that was acknowledged before this moment is at risk.</summary>
    public TimeSpan SafeUntil => AskedAt - AtRisk;
}
