using ClusterFs.Lease;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>What the database's row of one service's vote holds.</summary>
/// <param name="Renewals">Grows with every renewal: what stands still was not renewed.</param>
public sealed record VoteRow(Binding Floor, long Renewals, TimeSpan LongestTtl);

/// <summary>
/// The vote of a database, by the rule that no wall clocks are compared (R8): a row that is changed under a condition, and whoever fences
/// waits by a clock of its own.
/// </summary>
public sealed class SqlVoter(World world)
{
    public const string Name = "sql";

    private TimeSpan _promisedUntil;

    public VoteRow Row { get; private set; } = new(Binding.None, 0, TimeSpan.Zero);

    /// <summary>The wall clock of the server, which is set now and then; only a deliberate bug reads it.</summary>
    public TimeSpan WallClockError { get; set; }

    private TimeSpan WallClock => world.Now + WallClockError;

    public RenewReply Renew(Renew renew)
    {
        var asked = new Binding(renew.Epoch, renew.Node);
        var refused = renew.Epoch < Row.Floor.Epoch || (renew.Epoch == Row.Floor.Epoch && Row.Floor.Node is not null && Row.Floor.Node != renew.Node);
        if (!refused)
        {
            Row = new VoteRow(asked, Row.Renewals + 1, renew.Ttl > Row.LongestTtl ? renew.Ttl : Row.LongestTtl);
            _promisedUntil = WallClock + renew.Ttl;
            world.Ledger.FloorRose(Name, asked);
        }

        return new RenewReply(
            renew.Service, Name, renew.Epoch, renew.Node, renew.Round, refused ? RenewOutcome.BelowFloor : RenewOutcome.Acked, Row.Floor);
    }

    /// <param name="watched">The count that the asker saw stand still for a TTL; null when the holder agreed.</param>
    public FenceReply Fence(Fence fence, long? watched, TimeSpan ttl)
    {
        if (Row.Floor.Epoch > fence.Epoch || (Row.Floor.Epoch == fence.Epoch && Row.Floor.Node is not null))
        {
            return Reply(FenceOutcome.BelowFloor, TimeSpan.Zero);
        }

        if (world.Bugs.Has(Bug.WallClockSqlVoter))
        {
            var left = _promisedUntil - WallClock;
            if (left > TimeSpan.Zero && !fence.HolderAgreed)
            {
                return Reply(FenceOutcome.Promised, left);
            }
        }
        else if (watched is { } count && count != Row.Renewals)
        {
            return Reply(FenceOutcome.Promised, ttl);
        }

        Row = Row with { Floor = new Binding(fence.Epoch, null) };
        world.Ledger.FloorRose(Name, Row.Floor);
        return Reply(FenceOutcome.Raised, watched is null ? ttl : TimeSpan.Zero);

        FenceReply Reply(FenceOutcome outcome, TimeSpan remaining) =>
            new(fence.Service, Name, Guid.Empty, fence.Nonce, fence.Epoch, outcome, Row.Floor, remaining);
    }

    /// <summary>What a server would say that compared wall clocks.</summary>
    public TimeSpan RemainingByWallClock => _promisedUntil > WallClock ? _promisedUntil - WallClock : TimeSpan.Zero;
}

/// <summary>One asker's watch on the database's vote: by its own clocks alone.</summary>
public sealed class SqlVoteWatch
{
    private VoteRow? _seen;
    private Instant _since;

    /// <summary>The count of renewals that was seen last.</summary>
    public long Renewals => _seen?.Renewals ?? -1;

    /// <summary>What may be left of the promise, given that this row was answered now.</summary>
    public TimeSpan Remaining(VoteRow row, TimeSpan ttl, Instant now)
    {
        var longest = row.LongestTtl > ttl ? row.LongestTtl : ttl;
        if (_seen is null || _seen.Renewals != row.Renewals)
        {
            _seen = row;
            _since = now;
            return row.Renewals == 0 ? TimeSpan.Zero : longest;
        }

        var stood = now.ShortestSince(_since);
        return row.Renewals == 0 || stood >= longest ? TimeSpan.Zero : longest - stood;
    }
}
