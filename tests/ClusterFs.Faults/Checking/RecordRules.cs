using ClusterFs.Demo.Status;
using ClusterFs.Faults.Schedule;
using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults.Checking;

/// <summary>Nothing is thrown away, and what status calls safe is in the line.</summary>
internal static class RecordRules
{
    public const string NothingThrownAway = "nothing is thrown away";
    public const string Announced = "status announces what is at risk";
    public const string Whole = "what is restored is whole";

    public static (RecordFates Fates, IReadOnlyList<Violation> Violations) Check(Evidence evidence)
    {
        var violations = new List<Violation>();
        var fates = new RecordFates(0, 0, 0, 0, 0, 0);
        violations.AddRange(Holes(evidence));
        foreach (var life in evidence.Lives)
        {
            var judged = Judge(life, evidence);
            fates = Sum(fates, judged.Fates);
            violations.AddRange(judged.Violations);
        }

        return (fates, violations);
    }

    /// <summary>The two stores of one process have each of its records up to some number: a dump may cut off a tail, and nothing else.</summary>
    private static IEnumerable<Violation> Holes(Evidence evidence)
    {
        foreach (var (name, store) in new[] { ("database", evidence.Line.InDatabase), ("file", evidence.Line.InFile) })
        {
            foreach (var run in store.GroupBy(record => record.Run))
            {
                var last = run.Max(record => record.Number);
                if (run.Count() != last)
                {
                    yield return new Violation(Whole, $"the {name} of the line has {run.Count()} of the records 1 to {last} of {run.Key}");
                }
            }
        }
    }

    private static (RecordFates Fates, List<Violation> Violations) Judge(WriterLife life, Evidence evidence)
    {
        var violations = new List<Violation>();
        var disk = evidence.Disks.GetValueOrDefault(life.Node, StoredRecords.None);
        var missing = life.Acknowledged.Where(record => !Has(evidence.Line, life, record.Key)).OrderBy(record => record.Key).ToList();
        var unkept = missing.Where(record => !Has(evidence.Divergent, life, record.Key)).ToList();
        var gone = unkept.Where(record => !Has(disk, life, record.Key)).ToList();
        var withDisk = gone.Where(record => DiskWasLostAfter(life.Node, record.Value, evidence)).ToList();
        var thrown = gone.Except(withDisk).ToList();
        if (thrown.Count > 0)
        {
            violations.Add(new Violation(NothingThrownAway, FormattableString.Invariant(
                $"{thrown.Count} acknowledged records are in neither line, divergent dump nor disk: {life}, numbers {thrown[0].Key} to {thrown[^1].Key}, acknowledged from {thrown[0].Value.TotalSeconds:0.000} to {thrown[^1].Value.TotalSeconds:0.000}")));
        }

        if (LastAnnouncement(life, evidence.Announcements) is { } announced
            && missing.Where(record => record.Value < announced.SafeUntil).ToList() is { Count: > 0 } unannounced)
        {
            violations.Add(new Violation(Announced, FormattableString.Invariant(
                $"{unannounced.Count} records were called safe and are not in the line: {life}, numbers {unannounced[0].Key} to {unannounced[^1].Key}, acknowledged up to {(announced.SafeUntil - unannounced[^1].Value).TotalSeconds:0.000} s before the announced loss began")));
        }

        return (
            new RecordFates(
                life.Acknowledged.Count,
                life.Acknowledged.Count - missing.Count,
                missing.Count - unkept.Count,
                unkept.Count - gone.Count,
                withDisk.Count,
                thrown.Count),
            violations);
    }

    private static bool Has(StoredRecords stored, WriterLife life, long number)
    {
        var record = new Record(life.Run, number);
        return stored.InDatabase.Contains(record) && stored.InFile.Contains(record);
    }

    private static bool DiskWasLostAfter(string node, TimeSpan at, Evidence evidence) =>
        evidence.Faults.Any(fault => fault.Fault is Fault.DiskLoss && fault.Hosts.Contains(node) && fault.Ended >= at);

    /// <summary>What the owner had said last before its service ended.</summary>
    private static RiskAnnouncement? LastAnnouncement(WriterLife life, IReadOnlyList<RiskAnnouncement> announcements) => announcements
        .LastOrDefault(announcement =>
            announcement.Epoch == life.Epoch && announcement.AskedAt >= life.Began && announcement.AnsweredAt <= life.LastSeen);

    private static RecordFates Sum(RecordFates one, RecordFates other) => new(
        one.Acknowledged + other.Acknowledged,
        one.InLine + other.InLine,
        one.Divergent + other.Divergent,
        one.OnDisk + other.OnDisk,
        one.LostWithDisk + other.LostWithDisk,
        one.Thrown + other.Thrown);
}
