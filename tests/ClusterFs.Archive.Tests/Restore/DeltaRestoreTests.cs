using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;
using CsCheck;

namespace ClusterFs.Archive.Tests.Restore;

/// <summary>A restore takes from the local copy what is proven to be right, and from the archive the rest.</summary>
public sealed class DeltaRestoreTests : IDisposable
{
    private const int Size = 24 << 20;
    private readonly TestBed _bed = new();

    [Fact]
    public void A_takeover_over_a_stale_copy_fetches_what_differs()
    {
        WriteRandom("n1", "db", Size, 1);
        for (var i = 0; i < 200; i++)
        {
            _bed.Write("n1", $"mail/{i}", new string((char)('a' + (i % 26)), 5000));
        }

        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.TakeOver("n2", 2);
        _bed.Write("n2", "mail/7", "changed");
        Overwrite("n2", "db", 5_000_000, [1, 2, 3]);
        _bed.Dump("n2", 2);

        var last = TakeOver("n1", 3);

        Assert.Equal(TestBed.Describe(_bed.Live("n2")), TestBed.Describe(_bed.Live("n1")));
        Assert.InRange(last.Fetched, 1, 1 << 20);
        Assert.Empty(_bed.Archive.ListDivergent(CancellationToken.None));

        // What was linked from the old tree is known without reading it again, and so costs the next dump nothing.
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n1", content => content.Dump(3, CancellationToken.None)));
    }

    [Fact]
    public void Files_that_are_replaced_after_they_were_looked_at_are_fetched()
    {
        const int files = 200;
        for (var i = 0; i < files; i++)
        {
            _bed.Write("n1", $"mail/{i:D3}", $"content {i}");
        }

        _bed.TakeOver("n1", 1);
        var dump = _bed.Dump("n1", 1);
        var wanted = TestBed.Describe(_bed.Live("n1"));
        _bed.On("n3", content => content.RestoreOver(dump, null, CancellationToken.None));
        var (replaced, before) = (0, -1L);
        var replacing = new Listener
        {
            // The second time that so many files are done, the next was looked at, and has no second name yet.
            Reported = total =>
            {
                var name = Path.Combine(_bed.Live("n3"), "mail", $"{total.Files:D3}");
                if (total.Files == before && total.Files % 10 == 0 && total.Files < files)
                {
                    var other = _bed.Scratch("other");
                    File.WriteAllText(other, "not what was dumped");
                    FileAttribution.SetModified(other, FileStatus.TryRead(name)!.Value.ModifiedNs);
                    Durable.Rename(other, name);
                    replaced++;
                }

                before = total.Files;
            },
        };

        _bed.On("n3", content => content.RestoreOver(dump, replacing, CancellationToken.None), limitsOf: TestBed.NeverInPlace);

        Assert.InRange(replaced, files / 10, files);
        Assert.Equal(wanted, TestBed.Describe(_bed.Live("n3")));
        Assert.Equal(dump.Content.Bytes, replacing.Last!.Bytes);
    }

    [Fact]
    public void Local_changes_that_no_dump_has_are_kept_and_undone()
    {
        WriteOnOneNodeAndChangeOnTheOther(seed: 2);
        Overwrite("n1", "db", 5_000_100, [9, 9, 9]);
        Overwrite("n1", "db", 20_000_000, [9, 9, 9]);
        var mine = TestBed.Describe(_bed.Live("n1"));

        var last = TakeOver("n1", 3);

        Assert.Equal(TestBed.Describe(_bed.Live("n2")), TestBed.Describe(_bed.Live("n1")));
        Assert.InRange(last.Fetched, 1, 4 << 20);
        var kept = Assert.Single(_bed.Archive.ListDivergent(CancellationToken.None));
        _bed.Archive.RestoreTo(kept.Content, _bed.Scratch("kept"), null, CancellationToken.None);
        Assert.Equal(mine, TestBed.Describe(_bed.Scratch("kept")));
    }

    [Fact]
    public void A_local_file_that_is_not_what_its_index_says_does_not_come_into_the_restored_content()
    {
        WriteOnOneNodeAndChangeOnTheOther(seed: 3);

        // The index of pages of another content under this one's name: its digest gives it away.
        var pages = Path.Combine(_bed.Root, "n1", ".live.clusterfs", "pages");
        TestBed.FlipBit(Assert.Single(Directory.GetFiles(pages)), 99);
        TakeOver("n1", 3);
        Assert.Equal(TestBed.Describe(_bed.Live("n2")), TestBed.Describe(_bed.Live("n1")));
    }

    [Fact]
    public void An_older_dump_restored_over_the_content_becomes_the_head_of_the_line_with_the_next_dump()
    {
        _bed.Write("n1", "page", "old");
        _bed.TakeOver("n1", 1);
        var old = _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "new");
        _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "never dumped");

        var kept = _bed.On("n1", content => content.RestoreOver(old, null, CancellationToken.None));

        Assert.NotNull(kept);
        Assert.Equal("old", _bed.Read("n1", "page"));
        Assert.Equal(4, _bed.Dump("n1", 1).Slot);
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n1", content => content.Dump(1, CancellationToken.None)));
        _bed.TakeOver("n2", 2);
        Assert.Equal("old", _bed.Read("n2", "page"));
    }

    [Fact]
    public void A_directory_that_no_epoch_opened_is_replaced_and_stays_one_that_no_epoch_opened()
    {
        _bed.Write("n1", "page", "line");
        _bed.Write("n1", "sub/other", "line");
        _bed.TakeOver("n1", 1);
        var dump = _bed.Dump("n1", 1);
        _bed.Write("n3", "page", "mine");
        _bed.Write("n3", "gone", "mine");
        Assert.Null(_bed.On("n3", content => content.RestoreOver(dump, null, CancellationToken.None)));
        Assert.Equal(TestBed.Describe(_bed.Live("n1")), TestBed.Describe(_bed.Live("n3")));
        Assert.False(File.Exists(Path.Combine(_bed.Root, "n3", ".live.clusterfs", "lineage.json")));
        Assert.Null(_bed.On("n3", content => content.RestoreOver(dump, null, CancellationToken.None)));
    }

    [Fact]
    public void Two_names_of_one_file_are_not_two_equal_files()
    {
        _bed.Write("n1", "a", "same");
        _bed.TakeOver("n1", 1);
        File.Copy(Path.Combine(_bed.Live("n1"), "a"), Path.Combine(_bed.Live("n1"), "b"));
        FileAttribution.SetModified(
            Path.Combine(_bed.Live("n1"), "b"), FileStatus.TryRead(Path.Combine(_bed.Live("n1"), "a"))!.Value.ModifiedNs);
        var dump = _bed.Dump("n1", 1);
        _bed.Archive.RestoreTo(dump.Content, _bed.Live("n2"), null, CancellationToken.None);
        File.Delete(Path.Combine(_bed.Live("n2"), "b"));
        Assert.True(Durable.TryLink(Path.Combine(_bed.Live("n2"), "a"), Path.Combine(_bed.Live("n2"), "b")));

        Assert.Equal(ContentBasis.Restored, _bed.TakeOver("n2", 2).Basis);
        Assert.Equal(TestBed.Describe(_bed.Live("n1")), TestBed.Describe(_bed.Live("n2")));
    }

    [Fact]
    public void A_link_in_the_place_of_a_directory_leads_nowhere()
    {
        _bed.Write("n1", "dir/page", "line");
        _bed.TakeOver("n1", 1);
        var dump = _bed.Dump("n1", 1);
        var outside = _bed.Scratch("outside");
        Directory.CreateDirectory(outside);
        File.WriteAllText(Path.Combine(outside, "page"), "line");
        FileAttribution.SetModified(Path.Combine(outside, "page"), FileStatus.TryRead(Path.Combine(_bed.Live("n1"), "dir/page"))!.Value.ModifiedNs);
        Directory.CreateDirectory(_bed.Live("n3"));
        File.CreateSymbolicLink(Path.Combine(_bed.Live("n3"), "dir"), outside);
        _bed.On("n3", content => content.RestoreOver(dump, null, CancellationToken.None));
        Assert.Equal(1u, FileStatus.TryRead(Path.Combine(outside, "page"))!.Value.Links);
        Assert.Equal("line", _bed.Read("n3", "dir/page"));
    }

    [Fact]
    public void A_link_to_itself_in_the_place_of_a_directory_does_not_stand_in_the_way()
    {
        _bed.Write("n1", "dir/page", "line");
        _bed.TakeOver("n1", 1);
        var dump = _bed.Dump("n1", 1);
        Directory.CreateDirectory(_bed.Live("n3"));
        File.CreateSymbolicLink(Path.Combine(_bed.Live("n3"), "dir"), "dir");
        _bed.On("n3", content => content.RestoreOver(dump, null, CancellationToken.None));
        Assert.Equal("line", _bed.Read("n3", "dir/page"));
    }

    [Fact]
    public void From_any_dump_to_any_other_over_any_local_change_the_content_is_that_of_the_dump()
    {
        var writes = Gen.Select(Gen.Int[0, 2], Gen.Int[0, 5 << 20], Gen.Int[1, 200_000], Gen.Int[0, 1000]).Array[1, 3];
        Gen.Select(writes.Array[2, 4], Gen.Select(Gen.Int[0, 3], writes).Array[1, 4]).Sample(
            (history, restores) =>
            {
                using var bed = new TestBed();
                bed.TakeOver("n1", 1);
                Directory.CreateDirectory(bed.Live("n1"));
                var states = new List<(DumpRecord Dump, string State)>();
                foreach (var step in history)
                {
                    Write(bed.Live("n1"), step);
                    if (bed.On("n1", content => content.Dump(1, CancellationToken.None)) is DumpResult.Committed dump)
                    {
                        states.Add((dump.Record, TestBed.Describe(bed.Live("n1"))));
                    }
                }

                foreach (var (which, changes) in restores)
                {
                    var (dump, state) = states[which % states.Count];
                    bed.On("n3", content => content.RestoreOver(dump, null, CancellationToken.None));
                    Assert.Equal(state, TestBed.Describe(bed.Live("n3")));
                    Write(bed.Live("n3"), changes);
                }
            },
            iter: 15,
            threads: 1);
    }

    public void Dispose() => _bed.Dispose();

    private void WriteOnOneNodeAndChangeOnTheOther(int seed)
    {
        WriteRandom("n1", "db", Size, seed);
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.TakeOver("n2", 2);
        Overwrite("n2", "db", 5_000_000, [1, 2, 3]);
        _bed.Dump("n2", 2);
    }

    private static void Write(string live, (int File, int Offset, int Length, int Seed)[] writes)
    {
        foreach (var (file, offset, length, seed) in writes)
        {
            var bytes = new byte[length];
            new Random(seed).NextBytes(bytes);
            using var stream = new FileStream(Path.Combine(live, $"f{file}"), FileMode.OpenOrCreate);
            stream.Position = offset;
            stream.Write(bytes);
            if (seed % 5 == 0)
            {
                stream.SetLength(offset);
            }
        }
    }

    private RestoreProgress TakeOver(string node, long epoch)
    {
        var listener = new Listener();
        var result = _bed.On(node, content => content.TakeOver(epoch, listener, CancellationToken.None));
        Assert.Equal(ContentBasis.Restored, Assert.IsType<TakeOverResult.Ready>(result).Basis);
        return listener.Last!;
    }

    private void WriteRandom(string node, string name, int size, int seed)
    {
        Directory.CreateDirectory(_bed.Live(node));
        var bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        File.WriteAllBytes(Path.Combine(_bed.Live(node), name), bytes);
    }

    private void Overwrite(string node, string name, long offset, byte[] bytes)
    {
        using var stream = new FileStream(Path.Combine(_bed.Live(node), name), FileMode.Open);
        stream.Position = offset;
        stream.Write(bytes);
    }

    private sealed class Listener : IProgress<RestoreProgress>
    {
        public Action<RestoreProgress> Reported { get; init; } = _ => { };

        public RestoreProgress? Last { get; private set; }

        public void Report(RestoreProgress value)
        {
            Last = value;
            Reported(value);
        }
    }
}
