using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.SqlVoter;

/// <summary>What comes of a request to the voter in the database.</summary>
/// <param name="Write">
/// The row as it is to be written, on the condition that it is still the row that was decided on; null when nothing is to be written.
/// </param>
/// <param name="Reply">Holds once the row was written; without a write, if the row was read after the question was asked.</param>
public sealed record SqlVoterDecision(SqlVoterRow? Write, VoterReply Reply);

/// <summary>
/// The vote that is kept in the journal's database: the rules of <see cref="VoterMachine"/> for a voter that has no clock and runs nowhere.
/// Whoever asks decides for it, on what it has seen of the row, and the database takes the result only if the row has not changed. What takes
/// the place of a promise's end is that the asker watched the renewals stand still for the longest TTL, by its own clock (R8).
/// </summary>
public static class SqlVoterMachine
{
    /// <summary>The voter's name among those of the nodes.</summary>
    public const string Name = "sql";

    /// <param name="sight">What the asker has seen of the service's row; null when there is none.</param>
    public static SqlVoterDecision Decide(SqlVoterSight? sight, VoterRequest request, Instant now) => request switch
    {
        Renew renew => OnRenew(sight, renew, now),
        Probe probe => OnProbe(sight, probe, now),
        Fence fence => OnFence(sight, fence, now),
        Release release => OnRelease(sight, release),
        Join join => OnJoin(sight, join, now),
        _ => throw new ArgumentOutOfRangeException(nameof(request), request, "unknown request"),
    };

    private static SqlVoterDecision OnRenew(SqlVoterSight? sight, Renew renew, Instant now)
    {
        var asked = new Binding(renew.Epoch, renew.Node);
        if (sight?.Row is not { Floor: { } floor } row)
        {
            return Refused(RenewOutcome.Abstained, Binding.None);
        }

        if (renew.Epoch < floor.Epoch || (renew.Epoch == floor.Epoch && floor.Node is not null && floor.Node != renew.Node))
        {
            return Refused(RenewOutcome.BelowFloor, floor);
        }

        // A node that goes on under a higher epoch is hindered by no promise of its own (R13).
        if (PromiseRunsFor(sight, now) > TimeSpan.Zero && row.Promised is { } promised && (promised.Node != renew.Node || promised.Epoch > renew.Epoch))
        {
            return Refused(RenewOutcome.Promised, floor);
        }

        var acked = row with
        {
            Floor = asked,
            Promised = asked,
            Renewals = row.Renewals + 1,
            LastRound = renew.Round,
            LongestTtl = Longer(row.LongestTtl, renew.Ttl),
        };
        return new SqlVoterDecision(acked, Reply(RenewOutcome.Acked, asked));

        SqlVoterDecision Refused(RenewOutcome outcome, Binding known) => new(null, Reply(outcome, known));

        RenewReply Reply(RenewOutcome outcome, Binding known) =>
            new(renew.Service, Name, renew.Epoch, renew.Node, renew.Round, outcome, known);
    }

    private static SqlVoterDecision OnProbe(SqlVoterSight? sight, Probe probe, Instant now) => new(null, new ProbeReply(
        probe.Service,
        Name,
        sight?.Row.Identity ?? Guid.Empty,
        probe.Nonce,
        sight?.Row.Floor is null,
        sight?.Row.Floor ?? Binding.None,
        PromiseRunsFor(sight, now)));

    private static SqlVoterDecision OnFence(SqlVoterSight? sight, Fence fence, Instant now)
    {
        if (sight?.Row is not { Floor: { } floor } row)
        {
            return Answered(null, FenceOutcome.Abstained, Binding.None);
        }

        if (floor.Epoch > fence.Epoch || (floor.Epoch == fence.Epoch && floor.Node is not null))
        {
            return Answered(null, FenceOutcome.BelowFloor, floor);
        }

        var remaining = PromiseRunsFor(sight, now);
        if (!fence.OverPromises && remaining > TimeSpan.Zero)
        {
            return Answered(null, FenceOutcome.Promised, floor);
        }

        // A promise that may still run is left on record: a renewal of another binding waits for its end, whoever fenced.
        var raised = new Binding(fence.Epoch, null);
        var risen = row with { Floor = raised, Promised = remaining > TimeSpan.Zero ? row.Promised : null };
        return Answered(risen == row ? null : risen, FenceOutcome.Raised, raised);

        // What was left before the rise is what is left after it: the row is written only if nothing was renewed in between.
        SqlVoterDecision Answered(SqlVoterRow? write, FenceOutcome outcome, Binding known) => new(write, new FenceReply(
            fence.Service, Name, sight?.Row.Identity ?? Guid.Empty, fence.Nonce, fence.Epoch, outcome, known, PromiseRunsFor(sight, now)));
    }

    private static SqlVoterDecision OnRelease(SqlVoterSight? sight, Release release)
    {
        var closed = sight is not null && sight.Row.Promised == new Binding(release.Epoch, release.Node);
        return new SqlVoterDecision(closed ? sight!.Row with { Promised = null } : null, new ReleaseReply(release.Service, Name));
    }

    private static SqlVoterDecision OnJoin(SqlVoterSight? sight, Join join, Instant now)
    {
        if (sight is null || sight.Row.Floor is not null || sight.Row.Identity != join.Identity)
        {
            return new SqlVoterDecision(null, Reply(joined: sight?.Row.Floor is not null && sight.Row.Identity == join.Identity));
        }

        // What the lost row had promised was promised before this one was made, which was before it was seen.
        var lost = Longer(sight.Row.LongestTtl, join.LongestTtl);
        return (sight with { Row = sight.Row with { LongestTtl = lost } }).StandsStillIn(now) > TimeSpan.Zero
            ? new SqlVoterDecision(null, Reply(joined: false))
            : new SqlVoterDecision(sight.Row with { Floor = join.Floor, LongestTtl = lost }, Reply(joined: true));

        JoinReply Reply(bool joined) => new(join.Service, Name, sight?.Row.Identity ?? Guid.Empty, joined);
    }

    private static TimeSpan PromiseRunsFor(SqlVoterSight? sight, Instant now) =>
        sight is { Row.Promised: not null } ? sight.StandsStillIn(now) : TimeSpan.Zero;

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
