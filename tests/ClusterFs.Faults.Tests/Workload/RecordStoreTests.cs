using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults.Tests.Workload;

public sealed class RecordStoreTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("clusterfs-records-");

    [Fact]
    public void What_was_added_is_in_both_stores_and_found_again()
    {
        using (var store = RecordStore.Open(_directory.FullName))
        {
            Assert.Null(store.Last());
            store.Add(new Record("a", 1));
            store.Add(new Record("a", 2));
        }

        using var again = RecordStore.Open(_directory.FullName);
        var stored = StoredRecords.Read(_directory.FullName);
        Assert.Equal(new Record("a", 2), again.Last());
        Assert.Equal([new Record("a", 1), new Record("a", 2)], stored.InDatabase.Order(Comparer<Record>.Create((x, y) => x.Number.CompareTo(y.Number))));
        Assert.True(stored.InFile.SetEquals(stored.InDatabase));
    }

    [Fact]
    public void A_line_that_a_power_cut_left_open_spoils_no_other()
    {
        var file = Path.Combine(_directory.FullName, RecordStore.FileName);
        File.WriteAllText(file, "a 1\na");
        using (var store = RecordStore.Open(_directory.FullName))
        {
            store.Add(new Record("b", 1));
        }

        Assert.True(StoredRecords.Read(_directory.FullName).InFile.SetEquals([new Record("a", 1), new Record("b", 1)]));
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
