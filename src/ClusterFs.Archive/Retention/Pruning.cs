using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Retention;

/// <summary>
/// Decides which dumps go, and says so in the log, in the slot after the newest record. Whoever decides by an old picture finds the slot taken and
/// looks anew; and whoever comes later knows which dumps are no more to be built on. Nothing is deleted here.
/// </summary>
internal sealed class Pruning(ServiceArchive archive)
{
    /// <summary>More than fit into a record wait for the next one.</summary>
    private const int MaxRanges = 10_000;

    public IReadOnlyList<JudgedDump> Judge(RetentionPolicy policy, CancellationToken cancellation) =>
        Judge(policy, Line.Of(archive.Log.ReadFrom(1, cancellation)), cancellation);

    /// <param name="least">So many at least, or none: a record is worth its slot only for several.</param>
    /// <returns>How many dumps are pruned from now on.</returns>
    public int Commit(RetentionPolicy policy, int least, CancellationToken cancellation)
    {
        var nonce = Convert.ToHexStringLower(Guid.NewGuid().ToByteArray());
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            var line = Line.Of(archive.Log.ReadFrom(1, cancellation));
            var ranges = RangesOf(Judge(policy, line, cancellation));
            var dumps = ranges.Sum(range => line.Dumps.Count(dump => range.Contains(dump.Slot)));
            if (dumps < Math.Max(1, least))
            {
                return 0;
            }

            // In the name of the epoch that is the newest: its owner's dumps go on behind it.
            var newest = line.Newest!;
            var record = new PruneRecord(archive.Service, newest.Slot + 1, nonce, newest.Epoch, newest.Node, archive.Now, ranges);
            if (archive.Log.Append(record, cancellation).Nonce == nonce)
            {
                return dumps;
            }
        }
    }

    private IReadOnlyList<JudgedDump> Judge(RetentionPolicy policy, Line line, CancellationToken cancellation) =>
        RetentionRules.Judge(policy, line.Dumps, line.Needed(DivergentStore.List(archive.Layout, archive.Service, cancellation)));

    /// <summary>Slots between two that go hold no dump that stays: claims, or dumps that are pruned already.</summary>
    private static List<SlotRange> RangesOf(IReadOnlyList<JudgedDump> judged)
    {
        var ranges = new List<SlotRange>();
        var follows = false;
        foreach (var one in judged)
        {
            if (one.Stays)
            {
                follows = false;
            }
            else if (follows)
            {
                ranges[^1] = ranges[^1] with { Last = one.Dump.Slot };
            }
            else if (ranges.Count < MaxRanges)
            {
                ranges.Add(new SlotRange(one.Dump.Slot, one.Dump.Slot));
                follows = true;
            }
        }

        return ranges;
    }
}
