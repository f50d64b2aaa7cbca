using ClusterFs.Archive.Log;

namespace ClusterFs.Simulation;

/// <summary>Shared storage does not answer.</summary>
public sealed class SharedAwayException : Exception;

/// <summary>
/// The log of slots on a shared file system: created exclusively, durable, and seen by the other nodes when their caches let them.
/// What was ever linked is remembered apart from what the file system still shows, and must be one line.
/// </summary>
public sealed class SharedStorage(World world)
{
    private static readonly StoredContent Stored = new(new ManifestLocation(new string('0', 32), 0, 0, 0, ""), 0, 0, 0, "");

    private readonly SeededRandom _random = new(world.Scenario.Seed ^ 0x5A5A);
    private readonly Dictionary<long, Slot> _slots = [];
    private readonly Dictionary<long, Slot> _history = [];
    private readonly List<int> _kept = [];

    public int Away { get; set; }

    /// <summary>The chance that a link is made and its answer lost.</summary>
    public double Silence { get; set; }

    /// <summary>How long a new record may stay out of others' sight.</summary>
    public TimeSpan Staleness { get; set; }

    public long Dumps { get; private set; }

    public TimeSpan Latency => TimeSpan.FromMicroseconds(200 + _random.Below(5000));

    internal static StoredContent AnyContent => Stored;

    /// <summary>The highest slot that a listing shows a node; 0 when it shows none.</summary>
    public long Listed(Node node)
    {
        RequireThere();
        var highest = 0L;
        foreach (var (number, slot) in _slots)
        {
            if (slot.ListedFrom[node.Number] <= world.Now && number > highest)
            {
                highest = number;
            }
        }

        return highest;
    }

    /// <returns>Null when the slot is free, or taken and not yet visible there.</returns>
    internal LogRecord? TryRead(Node node, long number)
    {
        RequireThere();
        return _slots.TryGetValue(number, out var slot) && slot.SeenFrom[node.Number] <= world.Now ? slot.Record : null;
    }

    /// <summary>Whether another claim than a pending one is in the log.</summary>
    public bool IsClaimed(Node node, long epoch, string? pending)
    {
        for (var number = Listed(node); number >= 1; number--)
        {
            if (TryRead(node, number) is ClaimRecord claim && claim.Epoch == epoch && claim.Nonce != pending)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Creates a slot, unless it is taken.</summary>
    internal bool Link(Node node, LogRecord record, int content)
    {
        RequireThere();
        if (!_slots.TryAdd(record.Slot, Make(node, record, content)))
        {
            return false;
        }

        if (world.Trace.IsKept)
        {
            world.Trace.Write(node.Name, $"slot {record.Slot} is {Word(record)} of epoch {record.Epoch}");
        }

        world.Schedule.Mix(record.Slot);
        if (_history.ContainsKey(record.Slot))
        {
            world.Ledger.Violated($"a slot was used twice: {record.Slot}, by {node.Name}");
        }

        if (record.Slot > 1 && !_history.ContainsKey(record.Slot - 1))
        {
            world.Ledger.Violated($"the log has a gap before slot {record.Slot} of {node.Name}");
        }

        if (LogRules.Objection(record.Slot == 1 ? null : _history[record.Slot - 1].Record, record) is { } objection)
        {
            world.Ledger.Violated($"the line is broken: slot {record.Slot}, {objection}");
        }

        _history[record.Slot] = _slots[record.Slot];
        if (_random.Chance(Silence))
        {
            throw new SharedAwayException();
        }

        return true;
    }

    /// <summary>Somebody makes content that was kept the head of the line.</summary>
    /// <param name="which">Counted through what was kept.</param>
    public void Adopt(Node node, int which)
    {
        if (_kept.Count > 0)
        {
            Append(node, _kept[which % _kept.Count], (slot, newest) =>
                new DumpRecord(World.Service, slot, Nonce(), newest.Epoch, newest.Node, DateTimeOffset.UnixEpoch, Stored) { Adopts = "kept" });
        }
    }

    /// <summary>Somebody lets go of old dumps. Nothing is to be freed here: what counts is the slot that it takes.</summary>
    public void Prune(Node node) => Append(node, 0, (slot, newest) =>
        new PruneRecord(World.Service, slot, Nonce(), newest.Epoch, newest.Node, DateTimeOffset.UnixEpoch, []));

    /// <summary>A dump counts from here on.</summary>
    internal void Acknowledged(LogRecord dump)
    {
        Dumps++;
        if (!_history.TryGetValue(dump.Slot, out var slot) || slot.Record.Nonce != dump.Nonce)
        {
            world.Ledger.Violated($"a dump that counts is not in the line: slot {dump.Slot}, epoch {dump.Epoch}");
        }
    }

    public int ContentOf(long slot) => _history[slot].Content;

    public void Keep(int content) => _kept.Add(content);

    /// <summary>Local content is replaced: what it holds must be in what replaces it, or have been kept.</summary>
    public void Replaced(Node node, int old, int replacement)
    {
        if (old != 0 && !world.Contents.Holds(replacement, old) && !_kept.Exists(kept => world.Contents.Holds(kept, old)) && !IsInTheLine(old))
        {
            world.Ledger.Violated($"content was thrown away: {node.Name} replaced what it had written and nobody kept");
        }
    }

    /// <summary>The service starts on the head of the line, or on what is newer than it.</summary>
    public void ServiceStarts(Node node, long epoch)
    {
        var claim = 0L;
        foreach (var (number, slot) in _history)
        {
            if (slot.Record is ClaimRecord && slot.Record.Epoch == epoch && slot.Record.Node == node.Name)
            {
                claim = number;
            }
            else if (slot.Record.Epoch > epoch)
            {
                world.Ledger.Violated($"a stale start: {node.Name} starts under epoch {epoch}, and epoch {slot.Record.Epoch} has claimed");
            }
        }

        if (claim == 0)
        {
            world.Ledger.Violated($"a start without a claim: {node.Name}, epoch {epoch}");
        }

        for (var number = claim - 1; number >= 1; number--)
        {
            if (_history[number].Record is DumpRecord)
            {
                if (!world.Contents.Holds(node.Content.Content, _history[number].Content))
                {
                    world.Ledger.Violated($"a stale start: {node.Name} starts under epoch {epoch} without what is in slot {number}, the head of the line");
                }

                return;
            }
        }
    }

    /// <summary>Old names are freed: a deliberate bug.</summary>
    public void FreeNames(long upTo)
    {
        for (var number = 1L; number <= upTo; number++)
        {
            _ = _slots.Remove(number);
        }
    }

    /// <summary>All is visible to everyone.</summary>
    public void Refresh()
    {
        foreach (var slot in _slots.Values)
        {
            Array.Clear(slot.SeenFrom);
            Array.Clear(slot.ListedFrom);
        }
    }

    private void Append(Node node, int content, Func<long, LogRecord, LogRecord> make)
    {
        if (Away > 0 || _slots.Count == 0)
        {
            return;
        }

        try
        {
            var newest = _slots.Keys.Max();
            _ = Link(node, make(newest + 1, _slots[newest].Record), content);
        }
        catch (SharedAwayException)
        {
            // Its answer got lost; the record is there.
        }
    }

    private string Nonce() => world.Random.NextGuid().ToString("N");

    /// <summary>Whether all that it holds can be restored from the line.</summary>
    public bool IsInTheLine(int content)
    {
        foreach (var slot in _history.Values)
        {
            if (slot.Record is DumpRecord && world.Contents.Holds(slot.Content, content))
            {
                return true;
            }
        }

        return false;
    }

    private static string Word(LogRecord record) => record switch
    {
        ClaimRecord => "a claim",
        PruneRecord => "a prune record",
        DumpRecord { Adopts: not null } => "an adoption",
        _ => "a dump",
    };

    private void RequireThere()
    {
        if (Away > 0)
        {
            throw new SharedAwayException();
        }
    }

    private Slot Make(Node node, LogRecord record, int content)
    {
        var slot = new Slot(record, content, new TimeSpan[world.Nodes.Length], new TimeSpan[world.Nodes.Length]);
        foreach (var other in world.Nodes)
        {
            if (other != node && Staleness > TimeSpan.Zero)
            {
                slot.SeenFrom[other.Number] = world.Now + (_random.Chance(0.5) ? TimeSpan.Zero : Staleness * _random.Fraction());
                slot.ListedFrom[other.Number] = world.Now + (Staleness * _random.Fraction());
            }
        }

        return slot;
    }

    private sealed record Slot(LogRecord Record, int Content, TimeSpan[] SeenFrom, TimeSpan[] ListedFrom);
}
