using ClusterFs.Archive.Manifests;

namespace ClusterFs.Archive.Restore;

/// <summary>What one leaf of a file that is written anew will hold.</summary>
/// <param name="Places">Where its pages lie in the archive; null when all of them are as they were.</param>
/// <param name="Had">Hashes of the pages that the older content had in this range; none when there is no older content.</param>
internal sealed record LeafPlan(PagePlace[]? Places, UInt128[] Had)
{
    public int Pages => Places?.Length ?? Had.Length;

    /// <param name="hole">The hash of a page of zeros.</param>
    public bool IsHole(int page, UInt128 hole) => Places is { } places ? places[page].IsHole : Had[page] == hole;
}

/// <summary>
/// Plans the leaves of a staged file in order, some ahead of those that are being written, and has room made for them: all at once, because that waits
/// for what is being written. Holes get none.
/// </summary>
/// <param name="size">Of the content, in bytes.</param>
/// <param name="hole">The hash of a page of zeros.</param>
/// <param name="ahead">How many leaves at a time. Their room is taken at once: where somebody watches how much is left, it has to be few.</param>
/// <param name="plan">Plans one leaf; asked in order.</param>
internal sealed class LeafPlans(StagedFile file, long size, UInt128 hole, int ahead, Func<long, LeafPlan> plan)
{
    /// <summary>Leaves for which room is made at once where nobody minds.</summary>
    public const int Ahead = 32;

    private readonly Queue<LeafPlan> _planned = new(ahead);
    private long _next;

    public LeafPlan Next()
    {
        if (_planned.Count == 0)
        {
            PlanAhead();
        }

        return _planned.Dequeue();
    }

    private void PlanAhead()
    {
        var (from, to) = (0L, 0L);
        for (var end = Math.Min(_next + ahead, PageMap.LeavesOf(size)); _next < end; _next++)
        {
            var leaf = plan(_next);
            _planned.Enqueue(leaf);
            for (var page = 0; page < leaf.Pages; page++)
            {
                if (leaf.IsHole(page, hole))
                {
                    continue;
                }

                var start = (_next * PageMap.LeafSize) + ((long)page * PageMap.PageSize);
                if (start != to)
                {
                    Reserve(from, to);
                    from = start;
                }

                to = start + PageMap.PageSize;
            }
        }

        Reserve(from, to);
    }

    private void Reserve(long from, long to)
    {
        if (to > from)
        {
            file.Reserve(from, to - from);
        }
    }
}
