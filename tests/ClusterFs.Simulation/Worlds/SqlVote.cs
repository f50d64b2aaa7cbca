using ClusterFs.Lease;
using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>The row of the service's vote in the database: written on the condition that it is still what was read.</summary>
public sealed class SqlVote(World world)
{
    private TimeSpan _promisedUntil;

    /// <summary>Null until somebody who can join it made it.</summary>
    public SqlVoterRow? Row { get; private set; }

    /// <summary>Changes with every write.</summary>
    public long Version { get; private set; }

    /// <summary>The wall clock of the server, which is set now and then; only a deliberate bug reads it.</summary>
    public TimeSpan WallClockError { get; set; }

    /// <summary>What a server would say that compared wall clocks.</summary>
    public TimeSpan RemainingByWallClock => _promisedUntil > WallClock ? _promisedUntil - WallClock : TimeSpan.Zero;

    private TimeSpan WallClock => world.Now + WallClockError;

    public void Add()
    {
        if (Row is null)
        {
            Row = SqlVoterRow.New(World.Service, world.Random.NextGuid());
            Version++;
        }
    }

    public bool Swap(long version, SqlVoterRow row)
    {
        if (version != Version)
        {
            return false;
        }

        if (row.Mark != Row?.Mark)
        {
            _promisedUntil = WallClock + row.LongestTtl;
        }

        if (row.Floor is { } floor && floor != Row?.Floor)
        {
            world.Ledger.FloorRose(SqlVoterMachine.Name, floor);
        }

        Row = row;
        Version++;
        return true;
    }
}

/// <summary>One process's way to the database's vote: the production rules decide, on what the process saw of the row.</summary>
public sealed class SqlVoteAsker(World world, Node node, SimulatedProcess process)
{
    private const int MostAttempts = 8;

    private SqlVoterSight? _sight;
    private long _version;

    /// <param name="answered">Called while the process runs; never when the database does not answer.</param>
    public void Ask(VoterRequest request, Action<VoterReply> answered) => Attempt(request, answered, 0, lookedAt: false);

    private void Attempt(VoterRequest request, Action<VoterReply> answered, int attempt, bool lookedAt)
    {
        if (attempt >= MostAttempts)
        {
            return;
        }

        var decision = SqlVoterMachine.Decide(_sight, request, node.Host.Now);
        if (decision.Write is { } row)
        {
            var version = _version;
            AskDatabase(() => world.Sql.Swap(version, row), swapped =>
            {
                if (swapped)
                {
                    See(row, version + 1);
                    answered(decision.Reply);
                }
                else
                {
                    Look(request, () => Attempt(request, answered, attempt + 1, lookedAt: true));
                }
            });
        }
        else if (lookedAt)
        {
            answered(decision.Reply);
        }
        else
        {
            // What is not written rests on a row that was read after the question.
            Look(request, () => Attempt(request, answered, attempt + 1, lookedAt: true));
        }
    }

    private void Look(VoterRequest request, Action then) => AskDatabase(
        () =>
        {
            // Holders wait until a row is there: only who can join it makes one.
            if (request is Probe or Fence or Join)
            {
                world.Sql.Add();
            }

            return (world.Sql.Row, world.Sql.Version, world.Sql.RemainingByWallClock);
        },
        answer =>
        {
            if (answer.Row is { } row)
            {
                See(row, answer.Version);
                if (world.Bugs.Has(Bug.WallClockSqlVoter))
                {
                    _sight = _sight! with { Since = node.Host.Now + answer.RemainingByWallClock - row.LongestTtl };
                }
            }

            then();
        });

    private void See(SqlVoterRow row, long version)
    {
        // An answer that was overtaken by a newer one tells nothing.
        if (version >= _version)
        {
            _sight = SqlVoterSight.Of(_sight, row, node.Host.Now);
            _version = version;
        }
    }

    private void AskDatabase<T>(Func<T> ask, Action<T> answered) => world.AskDatabase(node, ask, answer => process.Run(() => answered(answer)));
}
