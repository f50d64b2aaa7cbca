using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.SqlVoter;

/// <summary>What the voter in the database knows of one service: a row, and nothing beside it. It has no clock.</summary>
/// <param name="Identity">Made up when the row was: a row that was lost comes back with another (R2).</param>
/// <param name="Floor">The highest binding known; null until the row was joined.</param>
/// <param name="Promised">Whom the last acked renewal was for; null when that promise is known to be over.</param>
/// <param name="Renewals">How many renewals were acked.</param>
/// <param name="LastRound">The round of the last acked renewal; null before the first.</param>
/// <param name="LongestTtl">The longest TTL ever promised, and at least what a lost row may have promised (R9).</param>
public sealed record SqlVoterRow(
    string Service, Guid Identity, Binding? Floor, Binding? Promised, long Renewals, RoundId? LastRound, TimeSpan LongestTtl)
{
    /// <summary>Changes with every acked renewal and with nothing else.</summary>
    public SqlVoterMark Mark => new(Identity, Renewals, LastRound);

    /// <summary>A row that waits to be joined.</summary>
    public static SqlVoterRow New(string service, Guid identity) => new(service, identity, null, null, 0, null, TimeSpan.Zero);
}

/// <summary>
/// Names one renewal. The round is part of it because a database that was put back to an earlier state counts the same numbers again.
/// </summary>
public readonly record struct SqlVoterMark(Guid Identity, long Renewals, RoundId? LastRound);
