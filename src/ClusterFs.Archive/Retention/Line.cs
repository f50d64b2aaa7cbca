using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Retention;

/// <summary>A dump that was pruned.</summary>
/// <param name="By">The record that says so.</param>
internal sealed record PrunedDump(DumpRecord Dump, PruneRecord By);

/// <summary>What the log says, all in all.</summary>
/// <param name="Newest">The newest record; null when there is none.</param>
/// <param name="Dumps">Those that can be restored, oldest first.</param>
/// <param name="DerivedFrom">By node, the newest dump that the content it last held is known to derive from.</param>
internal sealed record Line(
    LogRecord? Newest, IReadOnlyList<DumpRecord> Dumps, IReadOnlyList<PrunedDump> Pruned, IReadOnlyDictionary<string, long> DerivedFrom)
{
    /// <param name="records">All, in order.</param>
    public static Line Of(IEnumerable<LogRecord> records)
    {
        LogRecord? newest = null;
        DumpRecord? last = null;
        var dumps = new SortedDictionary<long, DumpRecord>();
        var pruned = new List<PrunedDump>();
        var derivedFrom = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var record in records)
        {
            newest = record;
            switch (record)
            {
                case DumpRecord dump:
                    last = dump;
                    dumps.Add(dump.Slot, dump);
                    break;
                case PruneRecord prune:
                    foreach (var dump in dumps.Values.Where(dump => prune.Prunes(dump.Slot)).ToList())
                    {
                        dumps.Remove(dump.Slot);
                        pruned.Add(new PrunedDump(dump, prune));
                    }

                    break;
            }

            // Content that was adopted is nobody's yet, and a prune record changes none.
            if (last is not null && record is ClaimRecord or DumpRecord { Adopts: null })
            {
                derivedFrom[record.Node] = last.Slot;
            }
        }

        return new Line(newest, [.. dumps.Values], pruned, derivedFrom);
    }

    /// <summary>
    /// What stays whatever a policy says: the head, which the next dump and the next takeover build on; for every node, the dump that its own
    /// content derives from, with which it finds out what it has beyond the line; and what kept content derives from.
    /// </summary>
    public ILookup<long, string> Needed(IEnumerable<DivergentRecord> divergent) =>
        Dumps.TakeLast(1).Select(head => (head.Slot, Why: "the newest"))
            .Concat(DerivedFrom.Select(node => (node.Value, $"the content of {node.Key} derives from it")))
            .Concat(divergent.Where(kept => kept.BaseSlot is not null).Select(kept => (kept.BaseSlot!.Value, $"divergent {kept.Id} derives from it")))
            .ToLookup(need => need.Item1, need => need.Item2);
}
