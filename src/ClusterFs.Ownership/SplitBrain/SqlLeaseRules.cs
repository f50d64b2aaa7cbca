namespace ClusterFs.Ownership.SplitBrain;

/// <summary>A lease's row.</summary>
/// <param name="Owner">Null when nobody holds it.</param>
/// <param name="Beat">New with every write.</param>
internal sealed record SqlLeaseRow(string? Owner, string Beat);

/// <summary>What one node has seen of the row, and since when it has not changed.</summary>
/// <param name="Since">A time stamp of this process, read after the first answer that showed this beat.</param>
internal sealed record SqlLeaseSight(SqlLeaseRow Row, long Since)
{
    public static SqlLeaseSight Of(SqlLeaseSight? before, SqlLeaseRow row, long received) =>
        before?.Row == row ? before : new SqlLeaseSight(row, received);
}

/// <summary>Who may take the lease. No clock of the database has a say: a step of it would let both sides of a partition take it.</summary>
internal static class SqlLeaseRules
{
    /// <param name="stoodStill">How long the row has been seen not to change.</param>
    /// <param name="heartbeatTimeout">A holder that has not written for so long has lost it.</param>
    public static bool MayTake(SqlLeaseRow row, string asker, TimeSpan stoodStill, TimeSpan heartbeatTimeout) =>
        row.Owner is null || row.Owner == asker || stoodStill >= heartbeatTimeout;

    /// <summary>Whether the lease is still held a while after the last beat that was written was sent: a tenth before others may think it lost.</summary>
    public static bool IsHeld(TimeSpan sinceLastBeat, TimeSpan heartbeatTimeout) => sinceLastBeat < heartbeatTimeout * 0.9;
}
