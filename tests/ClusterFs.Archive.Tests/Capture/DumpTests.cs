using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Capture;

public sealed class DumpTests : IDisposable
{
    private readonly TestBed _bed = new();

    [Fact]
    public void A_renamed_file_stores_nothing_but_its_name()
    {
        var random = new byte[3 << 20];
        new Random(1).NextBytes(random);
        _bed.Write("n1", "small", "x");
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "big"), random);
        _bed.TakeOver("n1", 1);
        Assert.True(_bed.Dump("n1", 1).Content.StoredBytes > random.Length);

        File.Move(Path.Combine(_bed.Live("n1"), "big"), Path.Combine(_bed.Live("n1"), "renamed"));
        Assert.True(_bed.Dump("n1", 1).Content.StoredBytes < 2000);
    }

    [Fact]
    public void One_content_in_two_files_is_stored_once()
    {
        var random = new byte[1 << 20];
        new Random(2).NextBytes(random);
        Directory.CreateDirectory(_bed.Live("n1"));
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "one"), random);
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "other"), random);
        _bed.TakeOver("n1", 1);
        Assert.InRange(_bed.Dump("n1", 1).Content.StoredBytes, random.Length, random.Length + 2000);
    }

    [Fact]
    public void An_unchanged_dump_writes_nothing()
    {
        _bed.Write("n1", "page", "content");
        _bed.TakeOver("n1", 1);
        var first = _bed.Dump("n1", 1);
        var before = TestBed.Describe(_bed.Shared);
        using var content = _bed.Open("n1");
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(first, Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None)).Last);
        }

        Assert.Equal(before, TestBed.Describe(_bed.Shared));
    }

    [Fact]
    public void A_change_right_after_a_dump_is_seen_though_size_and_tick_are_the_same()
    {
        _bed.TakeOver("n1", 1);
        using var content = _bed.Open("n1");
        for (var i = 0; i < 50; i++)
        {
            _bed.Write("n1", "page", $"{i:D4}");
            var dump = Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None)).Record;
            Assert.Equal(4, dump.Content.Bytes);
        }
    }

    [Theory]
    [InlineData(1_000_000, false)]
    [InlineData(19_999_999, false)]
    [InlineData(20_000_001, true)]
    public void A_file_changed_within_the_last_tick_is_not_trusted(long ageNs, bool settled)
    {
        const long now = 1_700_000_000_500_000_000;
        var status = new FileStatus(FileKind.File, 0, 0, 0, 1, 0, now - ageNs, 1, 1, 1);
        Assert.Equal(settled, FileSystemClock.IsSettled(status, now));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(100, true)]
    public void A_file_that_changes_under_the_copy_is_copied_again_and_at_last_marked(int changes, bool torn)
    {
        _bed.Write("n1", "page", "0");
        var root = _bed.Live("n1");
        var left = changes;

        var row = Assert.Single(Capture(path => File.AppendAllText(Path.Combine(root, path), left-- > 0 ? "x" : string.Empty)));

        Assert.Equal(torn, row.Entry.ChangedWhileCopied);
        Assert.Equal(torn ? 4 : 2, row.Entry.Content!.Size);
        var words = new CaptureWords();
        words.Count(row.Entry);
        Assert.Equal(torn, words.Describe(0).Contains("CHANGED", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_whose_first_name_goes_while_it_is_copied_is_stored_under_the_other()
    {
        _bed.Write("n1", "new/mail", "content");
        Link("new/mail", "tmp/mail");

        var rows = Capture(path => File.Delete(Path.Combine(_bed.Live("n1"), path == "new/mail" ? path : "none")));

        Assert.Equal(["new", "tmp", "tmp/mail"], rows.Select(row => row.Entry.Path));
        Assert.Equal(7, rows[^1].Entry.Content?.Size);
    }

    [Fact]
    public void What_another_file_makes_of_the_inode_of_one_that_has_gone_is_not_taken_for_it()
    {
        _bed.Write("n1", "a", "content");
        _bed.Write("n1", "b", "between");
        Link("a", "d/a");
        Link("a", "e");

        // The same inode under another name with other bytes is what a reused one looks like.
        var rows = Capture(path =>
        {
            if (path == "b")
            {
                File.Delete(Path.Combine(_bed.Live("n1"), "a"));
                _bed.Write("n1", "e", "more content");
            }
        });

        Assert.Equal(12, rows.Single(row => row.Entry.Path == "d/a").Entry.Content?.Size);
        Assert.Equal("d/a", rows.Single(row => row.Entry.Path == "e").Entry.SameAs);
    }

    [Fact]
    public void A_file_that_had_one_name_when_it_was_copied_is_no_further_name_of_itself()
    {
        _bed.Write("n1", "a", "content");
        _bed.Write("n1", "b", "between");
        Directory.CreateDirectory(Path.Combine(_bed.Live("n1"), "d"));
        Link("a", "z");

        var rows = Capture(path =>
        {
            File.Delete(Path.Combine(_bed.Live("n1"), path == "a" ? "z" : "none"));
            if (path == "b")
            {
                Link("a", "d/c");
            }
        });

        Assert.Equal(["a", "b", "d", "d/c"], rows.Select(row => row.Entry.Path));
        var rules = new ManifestRules();
        Assert.All(rows, row => Assert.Null(rules.Objection(row.Entry)));
    }

    [SkippableFact]
    public void A_file_that_its_service_has_locked_is_read_all_the_same()
    {
        Skip.IfNot(Programs.IsInstalled("flock"), "flock is not installed (Debian: apt-get install util-linux)");
        _bed.Write("n1", "data.bolt", "content");
        _bed.TakeOver("n1", 1);
        var file = Path.Combine(_bed.Live("n1"), "data.bolt");
        using var service = Child.Of("flock", "--no-fork", file, "sh", "-c", "echo locked; exec sleep 300");
        Assert.Equal("locked", service.ReadLine());
        Assert.NotEqual(0, Programs.Try("flock", "--nonblock", file, "true").Code);

        Assert.Equal(7, _bed.Dump("n1", 1).Content.Bytes);
    }

    [Fact]
    public void Risk_is_what_changed_since_the_last_dump()
    {
        _bed.Write("n1", "page", "content");
        _bed.TakeOver("n1", 1);
        using var content = _bed.Open("n1");
        Assert.Equal(new RiskEstimate(true, 1, 7), content.AtRisk());
        content.Dump(1, CancellationToken.None);
        Assert.Equal(new RiskEstimate(false, 0, 0), content.AtRisk());
        _bed.Write("n1", "new", "12345");
        Assert.Equal(new RiskEstimate(true, 1, 5), content.AtRisk());
        content.Dump(1, CancellationToken.None);
        File.Delete(Path.Combine(_bed.Live("n1"), "new"));
        Assert.Equal(new RiskEstimate(true, 0, 0), content.AtRisk());
    }

    [Fact]
    public void Plain_copy_takes_everything_but_shared_memory()
    {
        foreach (var name in (string[])["a.db-wal", "a.db-shm", "a.db-journal"])
        {
            _bed.Write("n1", name, name);
        }

        _bed.Write("n1", "a.db", "SQLite format 3\0...");
        _bed.TakeOver("n1", 1);
        var dump = Assert.IsType<DumpResult.Committed>(
            _bed.On("n1", content => content.Dump(1, CancellationToken.None), mode: CaptureMode.Copy)).Record;
        Assert.Equal(["a.db", "a.db-journal", "a.db-wal"], _bed.Archive.ReadEntries(dump.Content).Select(entry => entry.Path));
    }

    [Fact]
    public void Shared_storage_that_went_away_is_named_and_the_next_dump_goes_on()
    {
        _bed.Write("n1", "page", "content");
        _bed.TakeOver("n1", 1);
        using var content = _bed.Open("n1");
        Directory.Move(_bed.Shared, _bed.Scratch("away"));
        var error = Assert.Throws<SharedStorageException>(() => content.Dump(1, CancellationToken.None));
        Assert.Contains(_bed.Shared, error.Message, StringComparison.Ordinal);
        Assert.True(content.AtRisk().Changed);
        Directory.Move(_bed.Scratch("away"), _bed.Shared);
        Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
    }

    public void Dispose() => _bed.Dispose();

    private void Link(string existing, string created)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_bed.Live("n1"), created))!);
        Assert.True(Durable.TryLink(Path.Combine(_bed.Live("n1"), existing), Path.Combine(_bed.Live("n1"), created)));
    }

    private List<IndexRow> Capture(Action<string> copied)
    {
        _bed.Archive.Layout.CreateDirectories();
        using var rows = new KnownRows([]);
        var view = TreeView.Look(_bed.Live("n1"), CaptureMode.Auto, rows, new FileSystemClock(_bed.Root));
        using var pack = new PackWriter(_bed.Archive.Layout, new string('a', 32));
        using var reader = _bed.Archive.NewReader();
        var known = new KnownContents([], 0);
        var contents = new ContentCapture(pack, reader, known, new PageIndexes(_bed.Root), 1);
        return [.. new TreeCapture(_bed.Live("n1"), _bed.Root, CaptureMode.Auto, contents, known) { Copied = copied }.Capture(view, rows, CancellationToken.None)];
    }
}
