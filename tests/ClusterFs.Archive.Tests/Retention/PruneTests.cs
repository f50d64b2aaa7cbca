using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Restore;
using ClusterFs.Archive.Retention;

namespace ClusterFs.Archive.Tests.Retention;

public sealed class PruneTests : IDisposable
{
    private static readonly RetentionPolicy LastTwo = new(2, 0, 0, 0, 0, 0);
    private readonly TestBed _bed = new();

    /// <summary>Another node, or another process, that lets no time pass.</summary>
    private ServiceArchive AtOnce => new(_bed.Shared, TestBed.Service) { PruneGrace = TimeSpan.Zero, Patience = TimeSpan.Zero };

    private string Packs => _bed.Archive.Layout.Packs;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Pruned_dumps_go_with_what_only_they_had_and_all_else_stays(bool bundled)
    {
        var states = Dumps("n1", 1, 70);
        if (bundled)
        {
            _bed.Archive.Compact(71, CancellationToken.None);
        }

        var before = _bed.PackBytes();
        var judged = AtOnce.Judge(LastTwo, CancellationToken.None);
        Assert.Equal([70L, 71L], judged.Where(one => one.Stays).Select(one => one.Dump.Slot));
        Assert.Equal(before, _bed.PackBytes());

        var report = AtOnce.Prune(LastTwo, 1, CancellationToken.None);

        Assert.Equal((68, 0), (report.Dumps, report.Waiting));
        Assert.Equal(before - _bed.PackBytes(), report.FreedBytes);
        Assert.True(_bed.PackBytes() < before / 4, $"{_bed.PackBytes()} of {before} bytes are left");
        Assert.Equal([70L, 71L], Intact().Select(dump => dump.Slot));
        Assert.Equal(0, AtOnce.Prune(LastTwo, 1, CancellationToken.None).Dumps);
        _bed.Write("n1", "after", "it");
        Assert.Equal(73, _bed.Dump("n1", 1).Slot);
        Assert.Equal(ContentBasis.Restored, _bed.TakeOver("n2", 2).Basis);
        Assert.Equal(states[^1], _bed.Read("n2", "page"));
        Assert.Equal(3, Intact().Count);
    }

    [Fact]
    public void A_large_file_keeps_the_pages_that_only_an_old_dump_stored()
    {
        _bed.TakeOver("n1", 1);
        var file = Path.Combine(_bed.Live("n1"), "db");
        var bytes = new byte[9 << 20];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(file, bytes);
        _bed.Dump("n1", 1);
        for (var i = 1; i < 9; i++)
        {
            using (var stream = new FileStream(file, FileMode.Open))
            {
                stream.Position = i * 700_000;
                stream.Write([1, (byte)i]);
            }

            _bed.Dump("n1", 1);
        }

        Assert.Equal(8, AtOnce.Prune(new RetentionPolicy(1, 0, 0, 0, 0, 0), 1, CancellationToken.None).Dumps);
        var dump = Assert.Single(Intact());
        _bed.Archive.RestoreTo(dump.Content, _bed.Scratch("out"), null, CancellationToken.None);
        Assert.Equal(TestBed.DigestOf(file), TestBed.DigestOf(Path.Combine(_bed.Scratch("out"), "db")));
    }

    [Fact]
    public void What_a_crash_left_half_written_goes_after_a_day()
    {
        Dumps("n1", 1, 3);
        var (old, recent) = (_bed.Archive.Layout.NewTemporary("old"), _bed.Archive.Layout.NewTemporary("recent"));
        File.WriteAllBytes(old, new byte[1000]);
        File.WriteAllBytes(recent, new byte[1000]);
        File.SetLastWriteTimeUtc(old, DateTime.UtcNow.AddHours(-25));
        File.SetLastWriteTimeUtc(recent, DateTime.UtcNow.AddHours(-23));

        Assert.Equal(1000, _bed.Archive.Prune(LastTwo, 1, CancellationToken.None).FreedBytes);

        Assert.Equal([recent], Directory.GetFiles(_bed.Archive.Layout.Temporary));
    }

    [Fact]
    public void Nothing_is_deleted_before_those_who_may_have_begun_to_read_can_be_seen()
    {
        Dumps("n1", 1, 10);
        var before = Directory.GetFiles(Packs).Length;
        var report = _bed.Archive.Prune(LastTwo, 1, CancellationToken.None);
        Assert.Equal((8, 0L, 8), (report.Dumps, report.FreedBytes, report.Waiting));
        Assert.Equal(before, Directory.GetFiles(Packs).Length);
        Assert.Equal(2, _bed.Archive.List(CancellationToken.None).OfType<DumpRecord>().Count());

        Assert.Equal((0, 0), (AtOnce.Prune(LastTwo, 1, CancellationToken.None) is var later ? (later.Dumps, later.Waiting) : default));
        Assert.InRange(Directory.GetFiles(Packs).Length, 1, before - 1);
    }

    [Fact]
    public async Task A_slow_restore_is_not_pulled_from_under_and_what_it_read_goes_when_it_has_ended()
    {
        _bed.TakeOver("n1", 1);
        for (var i = 0; i < 12; i++)
        {
            _bed.Write("n1", $"page{i:D2}", $"state {i}");
            _bed.Dump("n1", 1);
        }

        var read = _bed.Archive.List(CancellationToken.None).OfType<DumpRecord>().Last();
        var state = TestBed.Describe(_bed.Live("n1"));
        for (var i = 0; i < 24; i++)
        {
            _bed.Write("n1", $"page{i % 12:D2}", $"later {i}");
            _bed.Dump("n1", 1);
        }

        using var begun = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var slow = new Slow(() =>
        {
            begun.Set();
            Assert.True(goOn.Wait(TimeSpan.FromSeconds(60)));
        });
        var restoring = Task.Run(() => _bed.Archive.RestoreTo(read.Content, _bed.Scratch("out"), slow, CancellationToken.None));
        Assert.True(begun.Wait(TimeSpan.FromSeconds(60)));
        var before = Directory.GetFiles(Packs).Length;

        Assert.Equal(34, AtOnce.Prune(LastTwo, 1, CancellationToken.None).Dumps);
        Assert.InRange(Directory.GetFiles(Packs).Length, 12, before - 1);
        goOn.Set();
        await restoring;

        Assert.Equal(state, TestBed.Describe(_bed.Scratch("out")));
        Assert.Empty(Directory.GetFiles(_bed.Archive.Layout.Readers));
        var left = Directory.GetFiles(Packs).Length;
        Assert.True(AtOnce.Prune(LastTwo, 1, CancellationToken.None).FreedBytes > 0);
        Assert.InRange(Directory.GetFiles(Packs).Length, 1, left - 1);
        Assert.Equal(2, Intact().Count);
    }

    [Fact]
    public void A_mark_that_nobody_renews_counts_for_a_while_only()
    {
        Dumps("n1", 1, 6);
        var first = _bed.Archive.List(CancellationToken.None).OfType<DumpRecord>().First();
        var mark = Path.Combine(_bed.Archive.Layout.Readers, $"{first.Content.Manifest.Pack}.{Guid.NewGuid():N}");
        File.WriteAllText(mark, "\n");
        _ = AtOnce.Prune(LastTwo, 1, CancellationToken.None);
        Assert.True(File.Exists(_bed.PackOf(first.Content)));

        Posix.FileAttribution.SetModified(mark, Posix.FileStatus.TryRead(mark)!.Value.ModifiedNs - (11L * 60 * 1_000_000_000));
        _ = AtOnce.Prune(LastTwo, 1, CancellationToken.None);
        Assert.False(File.Exists(_bed.PackOf(first.Content)));
        Assert.False(File.Exists(mark));
    }

    [Fact]
    public void A_dump_that_went_behind_a_prune_and_died_before_the_marker_knew_is_no_sign_of_an_older_disk()
    {
        Dumps("n1", 1, 10);
        _bed.Write("n1", "page", "captured while others prune");
        Assert.Throws<TimeoutException>(() => _bed.On("n1", content => content.Dump(1, CancellationToken.None), point =>
        {
            _ = point == "captured" ? AtOnce.Prune(LastTwo, 1, CancellationToken.None) : null;
            _ = point == "committed" ? throw new TimeoutException() : point;
        }));
        _bed.Write("n1", "page", "newer than the line");

        Assert.Equal(ContentBasis.KeptByLineage, _bed.TakeOver("n1", 2).Basis);
        Assert.Equal("newer than the line", _bed.Read("n1", "page"));
    }

    [Fact]
    public void A_dump_under_way_goes_on_behind_a_prune()
    {
        Dumps("n1", 1, 10);
        _bed.Write("n1", "page", "captured while others prune");
        var dump = Assert.IsType<DumpResult.Committed>(_bed.On(
            "n1",
            content => content.Dump(1, CancellationToken.None),
            point => _ = point == "captured" ? AtOnce.Prune(LastTwo, 1, CancellationToken.None) : null)).Record;

        Assert.Equal(13, dump.Slot);
        Assert.Equal([10L, 11L, 13L], Intact().Select(one => one.Slot));
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n1", content => content.Dump(1, CancellationToken.None)));

        // The node dies and comes back: its content is the newest.
        Assert.Equal(ContentBasis.KeptByLineage, _bed.TakeOver("n1", 2).Basis);
    }

    [Fact]
    public void A_prune_after_a_dump_that_the_marker_does_not_know_is_no_sign_of_an_older_disk()
    {
        Dumps("n1", 1, 4);
        var marker = Path.Combine(_bed.Scratch("n1"), ".live.clusterfs", "lineage.json");
        var bytes = File.ReadAllBytes(marker);
        _bed.Write("n1", "page", "dumped without the marker");
        _bed.Dump("n1", 1);
        File.WriteAllBytes(marker, bytes);
        _ = AtOnce.Prune(LastTwo, 1, CancellationToken.None);
        _ = AtOnce.Prune(new RetentionPolicy(1, 0, 0, 0, 0, 0), 1, CancellationToken.None);

        Assert.IsType<DumpResult.Unchanged>(_bed.On("n1", content => content.Dump(1, CancellationToken.None)));
        Assert.Equal(ContentBasis.KeptByLineage, _bed.TakeOver("n1", 2).Basis);
    }

    [Fact]
    public void Content_put_back_to_a_dump_that_was_pruned_since_is_stored_whole()
    {
        Dumps("n1", 1, 6);
        var first = _bed.Archive.List(CancellationToken.None).OfType<DumpRecord>().First();
        _ = _bed.On("n1", content => content.RestoreOver(first, null, CancellationToken.None));
        var state = TestBed.Describe(_bed.Live("n1"));
        Assert.Throws<LocalContentException>(() => _bed.On(
            "n1",
            content => content.Dump(1, CancellationToken.None),
            point => _ = point == "captured" ? AtOnce.Prune(LastTwo, 1, CancellationToken.None) : null));

        var dump = _bed.Dump("n1", 1);

        _bed.Archive.RestoreTo(dump.Content, _bed.Scratch("out"), null, CancellationToken.None);
        Assert.Equal(state, TestBed.Describe(_bed.Scratch("out")));
        Assert.Equal(3, Intact().Count);
    }

    [Fact]
    public void What_a_nodes_content_derives_from_stays_so_that_it_finds_what_it_has_beyond_the_line()
    {
        Dumps("n1", 1, 5);
        _bed.TakeOver("n2", 2);
        Dumps("n2", 2, 10, takeOver: false);
        _ = AtOnce.Prune(LastTwo, 1, CancellationToken.None);

        Assert.Equal([6L, 16L, 17L], Intact().Select(dump => dump.Slot));
        Assert.Null(_bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None)));
        _bed.Write("n1", "page", "beyond");
        Assert.Equal(6, _bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None))!.BaseSlot);
    }

    [Fact]
    public void Divergent_content_stays_whole_with_all_that_it_derives_from()
    {
        Dumps("n1", 1, 5);
        _bed.TakeOver("n2", 2);
        _bed.Write("n1", "page", "beyond");
        var kept = _bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None))!;
        _bed.TakeOver("n1", 3);
        Dumps("n1", 3, 10, takeOver: false);
        _bed.TakeOver("n2", 4);
        Dumps("n2", 4, 5, takeOver: false);

        _ = AtOnce.Prune(LastTwo, 1, CancellationToken.None);

        Assert.Contains(kept.BaseSlot!.Value, Intact().Select(dump => dump.Slot));
        Assert.Equal(kept, Assert.Single(_bed.Archive.ListDivergent(CancellationToken.None)));
        Assert.Empty(AtOnce.Verify(kept.Content, CancellationToken.None).Damages);
    }

    [Fact]
    public void A_prune_by_an_old_picture_finds_its_slot_taken_and_looks_anew()
    {
        Dumps("n1", 1, 5);
        var looks = 0;
        var prune = new ServiceArchive(_bed.Shared, TestBed.Service)
        {
            PruneGrace = TimeSpan.Zero,
            Log = new SlotLog(_bed.Archive.Layout, TestBed.Service)
            {
                HighestListed = () => 0,
                SyncDirectory = _ => { },
                Runs = new SlotRuns(_bed.Archive.Layout) { TryOpen = file => OnceAfter(ref looks) },
            },
        };

        Assert.Equal(4, prune.Prune(LastTwo, 1, CancellationToken.None).Dumps);
        Assert.Equal([6L, 7L], Intact().Select(dump => dump.Slot));

        byte[]? OnceAfter(ref int count)
        {
            // It has seen that there is nothing behind slot 6, and now there is.
            if (Interlocked.Increment(ref count) == 1)
            {
                _bed.Write("n1", "page", "meanwhile");
                _bed.Dump("n1", 1);
            }

            return null;
        }
    }

    [Fact]
    public async Task Dumps_prunes_and_foldings_at_once_leave_every_dump_that_is_listed_whole()
    {
        _bed.TakeOver("n1", 1);
        var live = _bed.Live("n1");
        File.WriteAllBytes(Path.Combine(live, "db"), new byte[2 << 20]);
        using var content = LocalContent.Open(_bed.Archive, live, "n1", CaptureMode.Auto);
        var newest = 0L;
        var dumping = Task.Run(() =>
        {
            for (var i = 0; i < 120; i++)
            {
                File.WriteAllText(Path.Combine(live, $"page{i % 7}"), $"state {i}");
                using (var file = new FileStream(Path.Combine(live, "db"), FileMode.Open))
                {
                    file.Position = i * 9000;
                    file.WriteByte((byte)(i + 1));
                }

                Interlocked.Exchange(ref newest, Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None)).Record.Slot);
            }
        });
        var pruning = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!dumping.IsCompleted)
            {
                Quietly(() => AtOnce.Prune(new RetentionPolicy(4, 0, 0, 0, 0, 0), 3, CancellationToken.None));
            }
        }));
        var compacting = Task.Run(() =>
        {
            while (!dumping.IsCompleted)
            {
                Quietly(() => AtOnce.Compact(Interlocked.Read(ref newest), CancellationToken.None));
            }
        });
        await Task.WhenAll([dumping, compacting, .. pruning]);

        _ = AtOnce.Prune(new RetentionPolicy(4, 0, 0, 0, 0, 0), 1, CancellationToken.None);
        Assert.Equal(4, Intact().Count);
        _bed.TakeOver("n2", 2);
        Assert.Equal("state 119", _bed.Read("n2", "page0"));
    }

    public void Dispose() => _bed.Dispose();

    /// <summary>What one of them meant to read or delete another may have put elsewhere: it is done again.</summary>
    private static void Quietly(Action action)
    {
        try
        {
            action();
        }
        catch (Exception error) when (error is IOException)
        {
        }
    }

    private List<DumpRecord> Intact()
    {
        var dumps = AtOnce.List(CancellationToken.None).OfType<DumpRecord>().ToList();
        Assert.All(dumps, dump => Assert.Empty(AtOnce.Verify(dump.Content, CancellationToken.None).Damages));
        return dumps;
    }

    private List<string> Dumps(string node, long epoch, int count, bool takeOver = true)
    {
        if (takeOver)
        {
            _bed.TakeOver(node, epoch);
        }

        var states = new List<string>();
        var random = new Random(7);
        for (var i = 0; i < count; i++)
        {
            var noise = new byte[3000];
            random.NextBytes(noise);
            states.Add(Convert.ToBase64String(noise));
            _bed.Write(node, "page", states[^1]);
            _bed.Dump(node, epoch);
        }

        return states;
    }

    private sealed class Slow(Action atFirst) : IProgress<RestoreProgress>
    {
        private int _reports;

        public void Report(RestoreProgress value)
        {
            if (Interlocked.Increment(ref _reports) == 1)
            {
                atFirst();
            }
        }
    }
}
