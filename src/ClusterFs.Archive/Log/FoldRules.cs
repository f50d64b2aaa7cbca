namespace ClusterFs.Archive.Log;

/// <summary>Slots one after the other.</summary>
public readonly record struct SlotRange(long First, long Last)
{
    public long Count => Last - First + 1;

    public bool Contains(long slot) => First <= slot && slot <= Last;

    public bool Contains(SlotRange other) => First <= other.First && other.Last <= Last;
}

/// <summary>
/// Which slots are folded into one file, apart from all files. Ranges are aligned, so that everybody who folds makes the same ones, and the only
/// files that a slot can ever be folded into follow from its number.
/// </summary>
internal static class FoldRules
{
    /// <summary>So many slots, or runs of one size, become one run.</summary>
    public const int Width = 16;

    private const int Levels = 4;

    /// <summary>
    /// The ranges that a slot may be folded into, the narrowest first: slots only ever move to wider ones, so that whoever looks in this order
    /// does not miss them on their way.
    /// </summary>
    public static IEnumerable<SlotRange> RangesOf(long slot)
    {
        for (var level = 1; level <= Levels; level++)
        {
            yield return RangeOf(slot, SizeOf(level));
        }
    }

    /// <summary>Whether a run of this name is one that anybody folds.</summary>
    public static bool IsRange(SlotRange range) => range.First >= 1 && RangesOf(range.First).Contains(range);

    /// <summary>What to fold next. The newest slots keep files of their own: they are read most, and a claim goes after them.</summary>
    /// <param name="runs">Those that can be seen.</param>
    /// <param name="newest">The newest slot known to be taken.</param>
    /// <returns>Null when the files are few enough.</returns>
    public static SlotRange? Next(IReadOnlyCollection<SlotRange> runs, long newest)
    {
        var siblings = new Dictionary<SlotRange, int>();
        var next = 1L;
        foreach (var run in Outermost(runs))
        {
            if (run.First > next && Single(next, newest) is { } gap)
            {
                return gap;
            }

            next = run.Last + 1;
            if (run.Count == SizeOf(Levels))
            {
                continue;
            }

            var parent = RangeOf(run.First, run.Count * Width);
            siblings[parent] = siblings.GetValueOrDefault(parent) + 1;
            if (siblings[parent] == Width)
            {
                return parent;
            }
        }

        return Single(next, newest);
    }

    /// <summary>The runs that no other run contains, in order.</summary>
    public static IEnumerable<SlotRange> Outermost(IReadOnlyCollection<SlotRange> runs)
    {
        var end = 0L;
        foreach (var run in runs.OrderBy(run => run.First).ThenByDescending(run => run.Last))
        {
            if (run.Last > end)
            {
                yield return run;
                end = run.Last;
            }
        }
    }

    private static SlotRange? Single(long first, long newest)
    {
        var range = RangeOf(first, Width);
        return range.Last <= newest - Width ? range : null;
    }

    private static SlotRange RangeOf(long slot, long size)
    {
        var first = ((slot - 1) / size * size) + 1;
        return new SlotRange(first, first + size - 1);
    }

    private static long SizeOf(int level)
    {
        var size = 1L;
        for (var i = 0; i < level; i++)
        {
            size *= Width;
        }

        return size;
    }
}
