using System.Diagnostics;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;
using CsCheck;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>Large files are stored by their changed pages, and come back as they were at every dump.</summary>
public sealed class PageDeltaTests : IDisposable
{
    private const int Page = PageMap.PageSize;
    private const int Size = 24 << 20;
    private readonly TestBed _bed = new();

    [Fact]
    public void A_dump_stores_the_pages_that_changed_and_no_more()
    {
        WriteRandom("db", Size, 1);
        _bed.TakeOver("n1", 1);
        Assert.True(_bed.Dump("n1", 1).Content.StoredBytes > Size);

        var changed = 0;
        for (var offset = 100L; offset < Size; offset += 700_000)
        {
            Overwrite("db", offset, [1, 2, 3, 4, 5, 6, 7, 8]);
            changed++;
        }

        var dump = _bed.Dump("n1", 1);
        Assert.InRange(dump.Content.StoredBytes, changed * Page, (changed * Page * 11 / 10) + 6000);
        AssertRestores(dump, "n1");
    }

    [Fact]
    public void A_file_that_grows_costs_what_was_appended_and_one_that_shrinks_next_to_nothing()
    {
        WriteRandom("queue", Size, 2);
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        using (var stream = new FileStream(Live("queue"), FileMode.Append))
        {
            stream.Write(Random(300_000, 3));
        }

        var grown = _bed.Dump("n1", 1);
        Assert.InRange(grown.Content.StoredBytes, 300_000, 300_000 + Page + 4000);
        using (var stream = new FileStream(Live("queue"), FileMode.Open))
        {
            stream.SetLength(Size - (5 << 20) - 77);
        }

        var shrunk = _bed.Dump("n1", 1);
        Assert.InRange(shrunk.Content.StoredBytes, 1, Page + 4000);
        AssertRestores(shrunk, "n1");
        AssertRestores(grown, null);
    }

    [Fact]
    public void An_index_of_pages_that_is_missing_or_damaged_is_made_anew_and_the_dump_costs_no_more()
    {
        WriteRandom("db", Size, 4);
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        var pages = Path.Combine(_bed.Root, "n1", ".live.clusterfs", "pages");
        TestBed.FlipBit(Assert.Single(Directory.GetFiles(pages)), 5000);
        Overwrite("db", 9_000_000, [1]);
        Assert.InRange(_bed.Dump("n1", 1).Content.StoredBytes, Page, 3 * Page);

        Directory.Delete(pages, recursive: true);
        File.Delete(Path.Combine(_bed.Root, "n1", ".live.clusterfs", "index"));
        Overwrite("db", 10_000_000, [1]);
        var dump = _bed.Dump("n1", 1);
        Assert.InRange(dump.Content.StoredBytes, Page, 3 * Page);
        AssertRestores(dump, "n1");
    }

    [Fact]
    public void A_damaged_index_costs_nothing_but_reading()
    {
        WriteRandom("db", Size, 5);
        _bed.Write("n1", "page", "content");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        TestBed.FlipBit(Path.Combine(_bed.Root, "n1", ".live.clusterfs", "index"), 60);
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n1", content => content.Dump(1, CancellationToken.None)));
        Overwrite("db", 10_000, [9]);
        Assert.InRange(_bed.Dump("n1", 1).Content.StoredBytes, Page, 3 * Page);
    }

    [Fact]
    public void A_sparse_file_is_stored_and_comes_back_sparse()
    {
        Directory.CreateDirectory(_bed.Live("n1"));
        using (var stream = new FileStream(Live("sparse"), FileMode.CreateNew))
        {
            stream.SetLength(2L << 30);
            stream.Position = 1L << 30;
            stream.Write(Random(Page, 6));
        }

        _bed.TakeOver("n1", 1);
        var dump = _bed.Dump("n1", 1);
        Assert.InRange(dump.Content.StoredBytes, Page, 4 * Page);
        var restored = AssertRestores(dump, null);
        Assert.Equal(2L << 30, new FileInfo(Path.Combine(restored, "sparse")).Length);
        Assert.True(BlocksOf(Path.Combine(restored, "sparse")) < 1000, "the restored file is not sparse");
    }

    [Fact]
    public void Hard_links_are_one_content_and_come_back_as_one_file()
    {
        _bed.Write("n1", "a/first", "content");
        _bed.Write("n1", "other", "other");
        Assert.True(Durable.TryLink(Live("a/first"), Live("b")));
        Assert.True(Durable.TryLink(Live("a/first"), Live("a/second")));
        _bed.TakeOver("n1", 1);
        var dump = _bed.Dump("n1", 1);
        Assert.Equal(2, dump.Content.Files);
        var restored = AssertRestores(dump, "n1");
        var inodes = new[] { "a/first", "a/second", "b" }.Select(name => FileStatus.TryRead(Path.Combine(restored, name))!.Value.Inode);
        Assert.Single(inodes.Distinct());
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n1", content => content.Dump(1, CancellationToken.None)));

        File.Delete(Live("a/first"));
        AssertRestores(_bed.Dump("n1", 1), "n1");
    }

    [SkippableFact]
    public void Extended_attributes_come_back()
    {
        _bed.Write("n1", "dir/page", "content");
        ExtendedAttribute[] attributes = [new("user.one", [1, 0, 2]), new("user.two", [])];
        try
        {
            ExtendedAttributes.Write(Live("dir/page"), attributes);
        }
        catch (PosixException error) when (error.Error == PosixException.NotSupported)
        {
            Skip.If(true, "the file system of the temporary directory has no extended attributes");
        }

        ExtendedAttributes.Write(Live("dir"), [attributes[0]]);
        _bed.TakeOver("n1", 1);
        var dump = _bed.Dump("n1", 1);
        var restored = AssertRestores(dump, "n1");
        Assert.Equal(["user.one", "user.two"], ExtendedAttributes.Read(Path.Combine(restored, "dir/page")).Select(one => one.Name));
        Assert.Equal([1, 0, 2], ExtendedAttributes.Read(Path.Combine(restored, "dir"))[0].Value);

        ExtendedAttributes.Write(Live("dir"), []);
        restored = AssertRestores(_bed.Dump("n1", 1), "n1");
        Assert.Empty(ExtendedAttributes.Read(Path.Combine(restored, "dir")));
    }

    [Fact]
    public void Many_files_cost_what_changed()
    {
        for (var i = 0; i < 3000; i++)
        {
            _bed.Write("n1", $"d{i % 7}/file{i}", $"content {i}");
        }

        _bed.TakeOver("n1", 1);
        var first = _bed.Dump("n1", 1).Content.StoredBytes;
        _bed.Write("n1", "d3/file500", "changed");
        var second = _bed.Dump("n1", 1);
        Assert.True(second.Content.StoredBytes * 10 < first, $"{second.Content.StoredBytes} bytes after {first}");
        File.Delete(Live("d4/file501"));
        _bed.Write("n1", "d4/new", "new");
        AssertRestores(_bed.Dump("n1", 1), "n1");
        AssertRestores(second, null);
    }

    [Fact]
    public void Any_history_of_writes_truncations_holes_and_renames_restores_at_every_point()
    {
        var changes = Gen.Select(Gen.Int[0, 5], Gen.Int[0, 2], Gen.Int[0, 6 << 20], Gen.Int[1, 300_000], Gen.Int[0, 1000]);
        changes.Array[1, 5].Array[1, 4].Sample(
            history =>
            {
                using var bed = new TestBed();
                bed.TakeOver("n1", 1);
                bed.Write("n1", "f0", "begin");
                using var content = bed.Open("n1");
                var states = new List<(DumpRecord Dump, string State)>();
                foreach (var step in history)
                {
                    foreach (var (kind, file, offset, length, seed) in step)
                    {
                        Change(bed.Live("n1"), kind, file, offset, length, seed);
                    }

                    if (content.Dump(1, CancellationToken.None) is DumpResult.Committed committed)
                    {
                        states.Add((committed.Record, TestBed.Describe(bed.Live("n1"))));
                    }
                }

                foreach (var (dump, state) in states)
                {
                    var to = bed.Scratch($"out{dump.Slot}");
                    bed.Archive.RestoreTo(dump.Content, to, null, CancellationToken.None);
                    Assert.Equal(state, TestBed.Describe(to));
                    Assert.Empty(bed.Archive.Verify(dump.Content, CancellationToken.None).Damages);
                }
            },
            iter: 25,
            threads: 1);
    }

    [Fact]
    public void A_large_file_of_zeros_that_is_read_again_does_not_make_later_dumps_refer_to_what_is_not_stored()
    {
        _bed.TakeOver("n1", 1);
        var zeros = Path.Combine(_bed.Live("n1"), "zeros");
        File.WriteAllBytes(zeros, new byte[2 << 20]);
        _bed.Dump("n1", 1);

        // Its identity changes, and neither its content nor its attributes.
        FileAttribution.SetMode(zeros, FileStatus.TryRead(zeros)!.Value.Mode);
        new FileSystemClock(_bed.Scratch("n1")).WaitUntilSettled(CancellationToken.None);
        _ = _bed.On("n1", content => content.Dump(1, CancellationToken.None));
        _bed.Write("n1", "page", "new");

        Assert.Empty(_bed.Archive.Verify(_bed.Dump("n1", 1).Content, CancellationToken.None).Damages);
    }

    public void Dispose() => _bed.Dispose();

    private static void Change(string live, int kind, int file, int offset, int length, int seed)
    {
        var path = Path.Combine(live, $"f{file}");
        switch (kind)
        {
            case 0 or 1:
                using (var stream = new FileStream(path, FileMode.OpenOrCreate))
                {
                    stream.Position = offset;
                    stream.Write(Random(length, seed));
                }

                break;
            case 2:
                using (var stream = new FileStream(path, FileMode.OpenOrCreate))
                {
                    stream.SetLength(offset);
                }

                break;
            case 3:
                using (var stream = new FileStream(path, FileMode.OpenOrCreate))
                {
                    stream.Position = Math.Min(offset, stream.Length);
                    stream.Write(new byte[length]);
                }

                break;
            case 4 when File.Exists(path):
                File.Move(path, Path.Combine(live, $"f{(file + 1) % 3}"), overwrite: true);
                break;
            case 5 when File.Exists(path):
                File.Delete(path);
                break;
        }
    }

    private static byte[] Random(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static long BlocksOf(string file)
    {
        using var process = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", file]) { RedirectStandardOutput = true })!;
        return long.Parse(process.StandardOutput.ReadToEnd(), System.Globalization.CultureInfo.InvariantCulture);
    }

    private string Live(string path) => Path.Combine(_bed.Live("n1"), path);

    private void WriteRandom(string name, int size, int seed)
    {
        Directory.CreateDirectory(_bed.Live("n1"));
        File.WriteAllBytes(Live(name), Random(size, seed));
    }

    private void Overwrite(string name, long offset, byte[] bytes)
    {
        using var stream = new FileStream(Live(name), FileMode.Open);
        stream.Position = offset;
        stream.Write(bytes);
    }

    private string AssertRestores(DumpRecord dump, string? like)
    {
        var to = _bed.Scratch($"out{Guid.NewGuid():N}");
        _bed.Archive.RestoreTo(dump.Content, to, null, CancellationToken.None);
        if (like is not null)
        {
            Assert.Equal(TestBed.Describe(_bed.Live(like)), TestBed.Describe(to));
        }

        return to;
    }
}
