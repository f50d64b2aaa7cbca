namespace ClusterFs.Faults.Checking;

/// <summary>When nothing is broken any more, the service runs again within a bound.</summary>
internal static class LivenessRules
{
    public const string OwnerAppears = "an owner appears";
    public const string MembersMeet = "the nodes become one cluster";

    /// <summary>From the end of the last fault to the first record: detection, a restart, a TTL, a restore.</summary>
    public static TimeSpan OwnerBound { get; } = TimeSpan.FromSeconds(30);

    /// <summary>From the end of the last fault until every daemon sees every other one.</summary>
    public static TimeSpan MembersBound { get; } = TimeSpan.FromSeconds(60);

    public static IEnumerable<Violation> Check(Evidence evidence)
    {
        foreach (var quiet in evidence.QuietTimes)
        {
            if (quiet.OwnerAfter is null)
            {
                yield return new Violation(OwnerAppears, $"nobody wrote for {OwnerBound.TotalSeconds:0} s after round {quiet.Round}");
            }

            if (quiet.MembersAfter is null)
            {
                yield return new Violation(
                    MembersMeet, $"not all nodes were members {MembersBound.TotalSeconds:0} s after round {quiet.Round}");
            }
        }
    }
}
