namespace ClusterFs.Content.Static;

/// <summary>A file of a generation that may be copied here.</summary>
/// <param name="Path">Relative.</param>
/// <param name="DaysUnused">Whole days since it was read here last, or was published, after the first; with <c>noatime</c>, since it was made here.</param>
/// <param name="IsHere">It is copied already.</param>
internal readonly record struct CacheCandidate(string Path, long Size, long DaysUnused, bool IsHere);

/// <summary>Which files of a generation a node copies where it may not copy all of them. Pure.</summary>
internal static class CacheRules
{
    /// <summary>
    /// What was used last comes first. Reads are noted once a day, so among those of one day nothing is known: what is here stays, rather than that files
    /// change places for nothing, and of the others, small ones come first, of which more fit. One that does not fit keeps out none that does.
    /// </summary>
    /// <param name="budget">In bytes.</param>
    /// <returns>Paths.</returns>
    public static HashSet<string> Choose(IEnumerable<CacheCandidate> candidates, long budget)
    {
        var chosen = new HashSet<string>(StringComparer.Ordinal);
        var left = budget;
        var inOrder = candidates
            .OrderBy(file => file.DaysUnused)
            .ThenByDescending(file => file.IsHere)
            .ThenBy(file => file.Size)
            .ThenBy(file => file.Path, StringComparer.Ordinal);
        foreach (var file in inOrder.Where(file => file.Size <= left))
        {
            left -= file.Size;
            chosen.Add(file.Path);
        }

        return chosen;
    }
}
