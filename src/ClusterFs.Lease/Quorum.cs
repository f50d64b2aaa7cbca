namespace ClusterFs.Lease;

/// <summary>Majorities of a set of voters.</summary>
public static class Quorum
{
    /// <summary>The number of distinct voters that any two decisions have one in common with.</summary>
    public static int Of(int voters) => (voters / 2) + 1;

    /// <summary>Whether the voters of <paramref name="agreeing"/> that belong to <paramref name="voters"/> are a majority of it.</summary>
    public static bool Reached(IReadOnlyCollection<string> voters, IEnumerable<string> agreeing) =>
        agreeing.Distinct(StringComparer.Ordinal).Count(voters.Contains) >= Of(voters.Count);
}
