using ClusterFs.Demo.Status;
using ClusterFs.Faults.Checking;
using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults.Tests.Checking;

/// <summary>Evidence made by hand: a run without a violation, to be changed by each test.</summary>
internal static class Runs
{
    /// <summary>Wrote ten records on n1, from second 10 to 19, one each second.</summary>
    public static WriterLife First { get; } = Life("first", "n1", epoch: 1, begins: 10, records: 10);

    /// <summary>Took over on n2 with what the last dump had: six of the ten.</summary>
    public static WriterLife Second { get; } = Life("second", "n2", epoch: 2, begins: 30, records: 5) with { Base = new Record("first", 6) };

    public static Evidence Clean { get; } = new()
    {
        Lives = [First, Second],
        Line = Stored([.. Records("first", 6), .. Records("second", 5)]),
        Divergent = Stored(Records("first", 10)),
        Disks = new Dictionary<string, StoredRecords>(),
        Announcements = [Announced(epoch: 1, at: 18, atRisk: 3)],
        Faults = [],
        Moves = [],
        Journal = [new(1, "granted-v1", new GrantedEpoch(1, "n1")), new(2, "fencing-v1", null), new(3, "granted-v1", new GrantedEpoch(2, "n2"))],
        EpochTable = [new(1, "n1"), new(2, "n2")],
        QuietTimes = [new(0, At(0), At(1), At(2))],
    };

    public static WriterLife Life(string run, string node, long epoch, int begins, int records) => new(
        run,
        node,
        epoch,
        At(begins),
        At(begins + records),
        Base: null,
        Opened: true,
        EndedItself: false,
        Enumerable.Range(0, records).ToDictionary(number => number + 1L, number => At(begins + number)));

    public static RiskAnnouncement Announced(long epoch, int at, int atRisk) =>
        new("n1", epoch, TimeSpan.FromSeconds(at), TimeSpan.FromSeconds(at), TimeSpan.FromSeconds(atRisk), null);

    public static IReadOnlyList<Record> Records(string run, int count) =>
        [.. Enumerable.Range(1, count).Select(number => new Record(run, number))];

    public static StoredRecords Stored(IReadOnlyList<Record> records) => new(records.ToHashSet(), records.ToHashSet());

    private static TimeSpan At(double second) => TimeSpan.FromSeconds(second);
}
