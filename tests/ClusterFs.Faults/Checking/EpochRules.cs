namespace ClusterFs.Faults.Checking;

/// <summary>Every epoch was granted once, epochs only grew, and the journal has no gap.</summary>
internal static class EpochRules
{
    public const string GrantedOnce = "an epoch is granted once";
    public const string JournalIsDense = "the journal has no gap";
    public const string GrantedBeforeUsed = "no writer without a grant";

    public static IEnumerable<Violation> Check(Evidence evidence) =>
        [.. Density(evidence.Journal), .. Grants(evidence), .. Writers(evidence)];

    private static IEnumerable<Violation> Density(IReadOnlyList<JournalRow> journal)
    {
        var expected = 1L;
        foreach (var row in journal)
        {
            if (row.Sequence != expected)
            {
                yield return new Violation(JournalIsDense, $"after event {expected - 1} comes {row.Sequence} ({row.Kind})");
            }

            expected = row.Sequence + 1;
        }
    }

    private static IEnumerable<Violation> Grants(Evidence evidence)
    {
        var last = 0L;
        foreach (var granted in evidence.Journal.Select(row => row.Granted).OfType<GrantedEpoch>())
        {
            if (granted.Epoch <= last)
            {
                yield return new Violation(GrantedOnce, $"epoch {granted.Epoch} was granted to {granted.Node} after epoch {last}");
            }

            last = Math.Max(last, granted.Epoch);
            if (evidence.EpochTable.FirstOrDefault(row => row.Epoch == granted.Epoch) is var row && row?.Node != granted.Node)
            {
                yield return new Violation(
                    GrantedOnce, $"epoch {granted.Epoch} was granted to {granted.Node}, and the epoch table has {row?.Node ?? "nobody"}");
            }
        }
    }

    private static IEnumerable<Violation> Writers(Evidence evidence) => evidence.Lives
        .Where(life => !evidence.Journal.Any(row => row.Granted == new GrantedEpoch(life.Epoch, life.Node)))
        .Select(life => new Violation(GrantedBeforeUsed, $"the journal has no grant for {life}"));
}
