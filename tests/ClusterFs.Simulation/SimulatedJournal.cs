using ClusterFs.Lease.Ownership;

namespace ClusterFs.Simulation;

/// <summary>What an append came to, as far as the one who appended can tell.</summary>
public enum AppendOutcome
{
    Committed,
    Refused,

    /// <summary>Nobody answered: it may be there or not.</summary>
    Unknown,
}

/// <summary>The journal and the epoch table: compare-and-swap on the sequence number, durable, sometimes away or silent.</summary>
public sealed class SimulatedJournal(SeededRandom random)
{
    private readonly List<OwnershipEvent> _events = [];
    private readonly Dictionary<long, string> _epochs = [];

    public bool Away { get; set; }

    public double Silence { get; set; }

    public IReadOnlyList<OwnershipEvent> Events => _events;

    public AppendOutcome Append(int expected, OwnershipEvent happened)
    {
        if (Away)
        {
            return AppendOutcome.Unknown;
        }

        if (expected != _events.Count)
        {
            return AppendOutcome.Refused;
        }

        if (random.Chance(Silence) && random.Chance(0.5))
        {
            return AppendOutcome.Unknown;
        }

        if (EpochOf(happened) is { } epoch && _events.Any(earlier => EpochOf(earlier) >= epoch))
        {
            throw new ViolationException($"epoch {epoch} was granted twice, or after a higher one");
        }

        _events.Add(happened);
        return random.Chance(Silence) ? AppendOutcome.Unknown : AppendOutcome.Committed;
    }

    private static long? EpochOf(OwnershipEvent happened) => happened switch
    {
        OwnershipGranted grant => grant.Epoch,
        OwnershipContinued continued => continued.Epoch,
        _ => null,
    };

    /// <returns>Null when the table is away.</returns>
    public bool? Reserve(long epoch, string node)
    {
        if (Away)
        {
            return null;
        }

        if (_epochs.TryGetValue(epoch, out var taken))
        {
            return taken == node;
        }

        _epochs[epoch] = node;
        return true;
    }
}
