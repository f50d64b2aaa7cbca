using ClusterFs.Archive.Lineage;

namespace ClusterFs.Archive.Tests.Damage;

/// <summary>Damage to what a node keeps beside its live content.</summary>
public sealed class LocalFilesTests : IDisposable
{
    private const int IndexHead = 56;

    private readonly TestBed _bed = new();

    [Fact]
    public void A_damaged_head_of_the_index_keeps_no_dump_from_being_taken()
    {
        _bed.Write("n1", "page", "0");

        // So that what was changed is read before the end of the index is.
        _bed.Write("n1", "rest", "unchanged");
        _bed.Write("n1", "rest of it", "unchanged");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        for (var offset = 0; offset < IndexHead; offset += sizeof(long))
        {
            using (var index = new FileStream(Path.Combine(_bed.MarkerOf("n1"), "index"), FileMode.Open))
            {
                index.Position = offset;
                index.Write([0x92, 0x92, 0x92, 0x92, 0x92, 0x92, 0x92, 0x92]);
            }

            _bed.Write("n1", "page", $"{offset}!");
            var dump = _bed.Dump("n1", 1);
            Assert.Equal($"{offset}!", File.ReadAllText(Path.Combine(_bed.Restored(dump), "page")));
        }
    }

    /// <summary>Content whose lineage cannot be read is not taken for the newest, and is not thrown away either.</summary>
    [Fact]
    public void A_damaged_lineage_counts_for_none()
    {
        var file = Path.Combine(_bed.MarkerOf("n1"), "lineage.json");
        _bed.Write("n1", "page", "dumped");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        var epoch = 1;
        for (var offset = 0; offset < new FileInfo(file).Length; offset += 11)
        {
            _bed.Write("n1", "page", $"never dumped, {offset}");
            TestBed.FlipBit(file, offset);

            var ready = _bed.TakeOver("n1", ++epoch);

            Assert.Equal(ContentBasis.Restored, ready.Basis);
            Assert.Equal("dumped", _bed.Read("n1", "page"));
            Assert.Equal($"never dumped, {offset}", File.ReadAllText(Path.Combine(_bed.Restored(ready.Kept!.Content), "page")));
        }
    }

    /// <summary>Were its word lost that the copy is being changed, a torn copy would pass for a whole one.</summary>
    [Fact]
    public void A_damaged_record_of_a_standby_copy_counts_for_none()
    {
        _bed.Write("n1", "page", "first");
        _bed.Write("n1", "other", "first");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        _bed.Write("n1", "page", "second");
        _bed.Dump("n1", 1);
        var file = Path.Combine(_bed.MarkerOf("n2"), "standby", "standby.json");
        Assert.Throws<OperationCanceledException>(() => _bed.Follow("n2", point =>
        {
            if (point == "standby changing")
            {
                throw new OperationCanceledException();
            }
        }));
        var record = File.ReadAllText(file);
        Assert.Contains("changingTo", record, StringComparison.Ordinal);
        File.WriteAllText(file, record.Replace("changingTo", "changingTO", StringComparison.Ordinal));

        var ready = _bed.TakeOver("n2", 2);

        Assert.DoesNotContain("standby copy", ready.Explanation, StringComparison.Ordinal);
        Assert.Equal(("second", "first"), (_bed.Read("n2", "page"), _bed.Read("n2", "other")));
    }

    public void Dispose() => _bed.Dispose();
}
