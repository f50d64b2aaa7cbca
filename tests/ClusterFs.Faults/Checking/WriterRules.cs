using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults.Checking;

/// <summary>One writer: of all processes of the workload, no two were alive at the same moment, and no two nodes shared an epoch.</summary>
internal static class WriterRules
{
    public const string OneWriter = "one writer";
    public const string OneEpoch = "one epoch, one node";

    /// <summary>A process that is alive between its first and its last sign of life may write at any moment between them.</summary>
    public static IEnumerable<Violation> Overlaps(IReadOnlyList<WriterLife> lives)
    {
        var ordered = lives.OrderBy(life => life.Began).ToList();
        var longest = ordered.FirstOrDefault();
        foreach (var life in ordered.Skip(1))
        {
            if (life.Began <= longest!.LastSeen)
            {
                var both = (life.LastSeen < longest.LastSeen ? life.LastSeen : longest.LastSeen) - life.Began;
                yield return new Violation(OneWriter, FormattableString.Invariant(
                    $"two writers for {both.TotalSeconds:0.000} s: {longest}; {life}"));
            }

            longest = life.LastSeen > longest.LastSeen ? life : longest;
        }
    }

    public static IEnumerable<Violation> SharedEpochs(IReadOnlyList<WriterLife> lives) => lives
        .GroupBy(life => life.Epoch)
        .Where(epoch => epoch.Select(life => life.Node).Distinct().Count() > 1)
        .Select(epoch => new Violation(OneEpoch, $"epoch {epoch.Key}: {string.Join("; ", epoch)}"));
}
