namespace ClusterFs.Lease.SqlVoter;

/// <summary>What one process knows of a service's row: as it was last read, and since when no renewal was seen.</summary>
/// <param name="Since">
/// When the first answer that showed this mark had been received. The renewal that made the mark was committed before, so a promise that it
/// gave is over a TTL after this moment at the latest, unless the mark has changed by then. To count from the question instead would be
/// wrong: the renewal may have come between the question and the answer.
/// </param>
public sealed record SqlVoterSight(SqlVoterRow Row, Instant Since)
{
    /// <param name="before">What the same process had seen of the service; null for nothing.</param>
    /// <param name="row">What an answer of the database showed.</param>
    /// <param name="received">Read after the answer had arrived.</param>
    public static SqlVoterSight Of(SqlVoterSight? before, SqlVoterRow row, Instant received) =>
        before is not null && before.Row.Mark == row.Mark ? before with { Row = row } : new SqlVoterSight(row, received);

    /// <summary>
    /// How long a promise may still run if nothing was renewed since (R8). Zero: the renewal stood still for as long as any promise runs,
    /// so whatever is written on the condition that the row is still this one is written after its end.
    /// </summary>
    public TimeSpan StandsStillIn(Instant now)
    {
        var remaining = (Since + Row.LongestTtl).MostRemaining(now);
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }
}
