using ClusterFs.Lease.Ownership;

namespace ClusterFs.Simulation;

/// <summary>The journal and the epoch table: compare-and-swap on the sequence number, durable.</summary>
public sealed class SimulatedJournal(World world)
{
    private readonly List<(int Sequence, OwnershipEvent Event)> _rows = [];
    private readonly Dictionary<long, string> _epochs = [];
    private OwnershipRecord _snapshot = OwnershipRecord.Empty;
    private int _next;

    /// <summary>What an incarnation recovers from.</summary>
    public (OwnershipRecord Record, int Sequence) Read() =>
        (_rows.Aggregate(_snapshot, (record, row) => record.Apply(row.Event)), _next);

    public bool Append(int expected, OwnershipEvent happened)
    {
        var refused = world.Bugs.Has(Bug.NoUniqueConstraint) ? false
            : world.Bugs.Has(Bug.NewestRowsDeleted) ? _rows.Exists(row => row.Sequence == expected)
            : expected != _next;
        if (refused)
        {
            return false;
        }

        world.Ledger.Journalled(happened);
        _rows.Add((expected, happened));
        _next = Math.Max(_next, expected + 1);
        if (world.Bugs.Has(Bug.NewestRowsDeleted))
        {
            _snapshot = _rows.Aggregate(_snapshot, (record, row) => record.Apply(row.Event));
            _rows.Clear();
        }

        return true;
    }

    public bool Reserve(long epoch, string node)
    {
        if (_epochs.TryGetValue(epoch, out var taken))
        {
            return taken == node;
        }

        _epochs[epoch] = node;
        return true;
    }

    /// <summary>A replica that lagged is promoted, or a backup is restored: nothing that the protocol is asked to notice by itself.</summary>
    public void LoseTail(int events)
    {
        var lost = Math.Min(events, _rows.Count);
        foreach (var (_, happened) in _rows.TakeLast(lost))
        {
            if (happened is FencingBegun fencing)
            {
                _ = _epochs.Remove(fencing.Epoch);
            }
        }

        _rows.RemoveRange(_rows.Count - lost, lost);
        _next -= lost;
    }
}
