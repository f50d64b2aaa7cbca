namespace ClusterFs.Archive.Restore;

/// <summary>The names of a directory, gone through beside those of a manifest, which come in the same order.</summary>
/// <param name="names">Sorted by their ordinal values.</param>
/// <param name="passed">Told each name that was not asked for.</param>
internal sealed class SortedNames(IReadOnlyList<string> names, Action<string> passed)
{
    private int _next;

    /// <summary>Whether there is a name. What comes before it and was not asked for is passed.</summary>
    public bool Has(string name)
    {
        while (_next < names.Count)
        {
            var order = string.CompareOrdinal(names[_next], name);
            if (order >= 0)
            {
                _next += order == 0 ? 1 : 0;
                return order == 0;
            }

            passed(names[_next++]);
        }

        return false;
    }

    /// <summary>Nothing more is asked for.</summary>
    public void PassRest()
    {
        while (_next < names.Count)
        {
            passed(names[_next++]);
        }
    }
}
