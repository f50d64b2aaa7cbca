namespace ClusterFs.Archive.Manifests;

/// <summary>
/// The order of the entries: a directory, what is in it, and only then what follows it. By UTF-16 code units, the slash before all others.
/// </summary>
internal static class PathOrder
{
    public static int Compare(ReadOnlySpan<char> one, ReadOnlySpan<char> other)
    {
        var shared = one.CommonPrefixLength(other);
        if (shared == one.Length || shared == other.Length)
        {
            return one.Length - other.Length;
        }

        return Weight(one[shared]) - Weight(other[shared]);
    }

    private static int Weight(char unit) => unit == '/' ? -1 : unit;
}
