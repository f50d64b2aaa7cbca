namespace ClusterFs.Content.Static;

/// <summary>A file, and when it was used.</summary>
/// <param name="UsedIn">The number of the last look that found it used; 0 for never.</param>
/// <param name="IsHere">Whether it is on this node's disk.</param>
internal readonly record struct PartUse(string Path, long Size, long UsedIn, bool IsHere);

/// <summary>Which files a budget is spent on. Pure.</summary>
internal static class PartRules
{
    /// <summary>
    /// What was used last comes first; of what was used in the same round, or never, what is here already, so that nothing is fetched for nothing. A file that
    /// does not fit is left out, and smaller ones after it may fit.
    /// </summary>
    public static IReadOnlySet<string> Fit(IEnumerable<PartUse> files, long budget)
    {
        var chosen = new HashSet<string>(StringComparer.Ordinal);
        var left = budget;
        foreach (var file in files.OrderByDescending(file => file.UsedIn).ThenByDescending(file => file.IsHere).ThenBy(file => file.Path, StringComparer.Ordinal))
        {
            if (file.Size <= left)
            {
                left -= file.Size;
                chosen.Add(file.Path);
            }
        }

        return chosen;
    }
}
