using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Tests.Log;

/// <summary>Folding frees names of slots, and a name that is free must give no slot away twice.</summary>
public sealed class LogFoldingTests : IDisposable
{
    private readonly TestBed _bed = new();
    private long _seen;

    public LogFoldingTests() => _bed.Archive.Layout.CreateDirectories();

    private string LogDirectory => _bed.Archive.Layout.Log;

    [Fact]
    public void Folded_slots_read_as_before_and_their_files_are_gone()
    {
        var before = Claims(600);
        Fold(600);

        Assert.InRange(Directory.GetFileSystemEntries(LogDirectory).Length, 1, 60);
        Assert.Equal(before, NewLog().ReadFrom(1, CancellationToken.None));
        Assert.All(before, record => Assert.Equal(record, NewLog().Read(record.Slot, CancellationToken.None)));
        Assert.Equal(600, NewLog().HighestListed());
        Assert.Null(NewLog().TryRead(601));
        Assert.Empty(Directory.EnumerateFiles(_bed.Archive.Layout.Temporary));
    }

    [Fact]
    public async Task A_claim_that_finds_the_name_of_a_folded_slot_free_goes_on_to_the_end()
    {
        Claims(40);
        Fold(40);
        var blind = Blind(out var open);
        var claiming = Task.Run(() => blind.Claim(Draft(41, "n9"), 0, CancellationToken.None));
        AwaitFile(_bed.Archive.Log.FileOf(1));
        open();

        var taken = await claiming;

        Assert.Equal((SlotOutcome.Mine, 41L), (taken.Outcome, taken.Record.Slot));
        Assert.False(File.Exists(_bed.Archive.Log.FileOf(1)));
        Assert.Equal(41, _bed.Archive.List(CancellationToken.None).Count);
    }

    [Fact]
    public void A_claim_that_died_in_a_freed_name_is_not_taken_for_a_success_by_its_retry()
    {
        Claims(40);
        Fold(40);
        var draft = Draft(41, "n9");
        File.WriteAllBytes(_bed.Archive.Log.FileOf(3), RecordFormat.Write(draft with { Slot = 3 }));
        var stale = new SlotLog(_bed.Archive.Layout, TestBed.Service) { HighestListed = () => 0 };

        var taken = stale.Claim(draft, 3, CancellationToken.None);

        Assert.Equal((SlotOutcome.Mine, 41L), (taken.Outcome, taken.Record.Slot));
        Assert.False(File.Exists(_bed.Archive.Log.FileOf(3)));
    }

    [Fact]
    public void A_claim_that_has_been_folded_recognises_itself()
    {
        var draft = Draft(1, "n1");
        Assert.Equal(SlotOutcome.Mine, _bed.Archive.Log.Claim(draft, 0, CancellationToken.None).Outcome);
        for (var slot = 2; slot <= 40; slot++)
        {
            Commit(slot, 1, "n1");
        }

        Fold(40);
        var again = new SlotLog(_bed.Archive.Layout, TestBed.Service) { HighestListed = () => 0 }.Claim(draft, 0, CancellationToken.None);
        Assert.Equal((SlotOutcome.Mine, 1L), (again.Outcome, again.Record.Slot));
    }

    [Fact]
    public void A_finished_owner_that_finds_the_name_after_its_own_free_learns_that_it_is_finished()
    {
        Claim(1, "n1");
        Commit(2, 1, "n1");
        for (var epoch = 2; epoch <= 40; epoch++)
        {
            Claim(epoch, "n2");
        }

        Fold(41);
        Assert.False(File.Exists(_bed.Archive.Log.FileOf(3)));

        // Nothing is seen until the link is made, and that is what makes this machine look anew.
        var stale = new SlotLog(_bed.Archive.Layout, TestBed.Service)
        {
            Runs = new SlotRuns(_bed.Archive.Layout) { TryOpen = file => File.Exists(_bed.Archive.Log.FileOf(3)) ? File.ReadAllBytes(file) : null },
        };
        var taken = stale.Commit(Dump(3, 1, "n1"), CancellationToken.None);

        Assert.Equal((SlotOutcome.Superseded, 2L), (taken.Outcome, taken.Record.Epoch));
        Assert.False(File.Exists(_bed.Archive.Log.FileOf(3)));
        Assert.Equal(41, _bed.Archive.List(CancellationToken.None).Count);
    }

    [Fact]
    public void A_record_left_in_a_freed_name_is_not_in_the_line_and_goes_with_the_next_folding()
    {
        Claim(1, "n1");
        Commit(2, 1, "n1");
        for (var epoch = 2; epoch <= 40; epoch++)
        {
            Claim(epoch, "n2");
        }

        Fold(41);
        var before = _bed.Archive.List(CancellationToken.None);
        File.WriteAllBytes(_bed.Archive.Log.FileOf(3), RecordFormat.Write(Dump(3, 1, "n1")));

        Assert.Equal(before, NewLog().ReadFrom(1, CancellationToken.None));
        Fold(41);
        Assert.False(File.Exists(_bed.Archive.Log.FileOf(3)));
    }

    [Fact]
    public void What_a_file_system_let_pass_for_committed_is_kept_when_it_shows()
    {
        _bed.TakeOver("n1", 1);
        _bed.Write("n1", "page", "in the line");
        _bed.Dump("n1", 1);
        _bed.TakeOver("n2", 2);
        for (var i = 0; i < 40; i++)
        {
            _bed.Write("n2", "page", $"state {i}");
            _bed.Dump("n2", 2);
        }

        Fold(43);
        _bed.Write("n1", "page", "too late");
        // What it knows of its own slots is cached, and of what came after it knows nothing, even when it has made its link.
        CopyOwn(1, 2);
        var log = new SlotLog(_bed.Archive.Layout, TestBed.Service) { Runs = new SlotRuns(_bed.Archive.Layout) { TryOpen = _ => null } };
        using (var content = LocalContent.Open(
            new ServiceArchive(_bed.Shared, TestBed.Service) { Log = log }, _bed.Live("n1"), "n1", CaptureMode.Auto))
        {
            Assert.Equal(3, Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None)).Record.Slot);
        }

        File.Delete(_bed.Archive.Log.FileOf(1));
        File.Delete(_bed.Archive.Log.FileOf(2));
        var kept = _bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None));

        Assert.NotNull(kept);
        _bed.Archive.RestoreTo(kept.Content, _bed.Scratch("kept"), null, CancellationToken.None);
        Assert.Equal("too late", File.ReadAllText(Path.Combine(_bed.Scratch("kept"), "page")));
        Assert.Equal(ContentBasis.Restored, _bed.TakeOver("n1", 3).Basis);
        Assert.Equal("state 39", _bed.Read("n1", "page"));
    }

    [Fact]
    public async Task Writers_readers_and_two_that_fold_do_not_disturb_one_another()
    {
        const int dumps = 400;
        Claim(1, "n1");
        var newest = 1L;
        var writing = Task.Run(() =>
        {
            for (var slot = 2; slot <= dumps; slot++)
            {
                Commit(slot, 1, "n1");
                Interlocked.Exchange(ref newest, slot);
            }
        });
        var folding = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!writing.IsCompleted)
            {
                Fold(Interlocked.Read(ref newest));
            }
        }));
        var reading = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            while (!writing.IsCompleted)
            {
                var least = Interlocked.Read(ref newest);
                var seen = NewLog().ReadFrom(1, CancellationToken.None).ToList();
                Assert.True(seen.Count >= least, $"{seen.Count} slots are seen where {least} are taken");
                Assert.Equal(Enumerable.Range(1, seen.Count).Select(slot => (long)slot), seen.Select(record => record.Slot));
            }
        }));
        await Task.WhenAll([writing, .. folding, .. reading]);

        Fold(dumps);
        Assert.Equal(dumps, _bed.Archive.List(CancellationToken.None).Count);
        Assert.InRange(Directory.GetFileSystemEntries(LogDirectory).Length, 1, 60);
    }

    [Fact]
    public void A_directory_that_a_proof_left_behind_is_no_run_and_does_not_stand_in_the_way_of_one()
    {
        Claims(40);
        var left = _bed.Archive.Log.Runs.FileOf(new SlotRange(1, 16));
        Directory.CreateDirectory(left);
        Assert.Equal(40, _bed.Archive.List(CancellationToken.None).Count);
        Assert.False(_bed.Archive.Log.Runs.MayHold(3));

        Directory.CreateDirectory(left);
        Fold(40);

        Assert.True(File.Exists(left));
        Assert.True(_bed.Archive.Log.Runs.MayHold(3));
        Assert.True(File.Exists(left));
    }

    [Fact]
    public void Every_flipped_bit_of_a_run_is_found_and_nothing_it_holds_is_deleted()
    {
        Claims(32);
        Fold(32);
        var run = _bed.Archive.Log.Runs.FileOf(new SlotRange(1, 16));
        for (var offset = 0; offset < new FileInfo(run).Length; offset += 3)
        {
            TestBed.FlipBit(run, offset);
            Assert.Equal(run, Assert.Throws<DamagedArchiveException>(() => NewLog().TryRead(5)).File);
            TestBed.FlipBit(run, offset);
        }

        CopyOwn(1, 16);
        TestBed.FlipBit(run, 100);
        Assert.Throws<DamagedArchiveException>(() => Fold(32));
        Assert.Equal(32, Directory.GetFiles(LogDirectory).Count(file => !Path.GetFileName(file).Contains('-', StringComparison.Ordinal)));
    }

    public void Dispose() => _bed.Dispose();

    private static byte[]? Bytes(string file) => File.Exists(file) ? File.ReadAllBytes(file) : null;

    private SlotLog NewLog() => new(_bed.Archive.Layout, TestBed.Service);

    /// <summary>A log that sees neither runs nor a listing, until told to.</summary>
    private SlotLog Blind(out Action open)
    {
        open = () => Interlocked.Exchange(ref _seen, 1);
        return new SlotLog(_bed.Archive.Layout, TestBed.Service)
        {
            HighestListed = () => 0,
            Runs = new SlotRuns(_bed.Archive.Layout) { TryOpen = file => Interlocked.Read(ref _seen) == 1 ? Bytes(file) : null },
        };
    }

    private static void AwaitFile(string file) =>
        Assert.True(SpinWait.SpinUntil(() => File.Exists(file), TimeSpan.FromSeconds(20)), $"{file} did not come");

    /// <summary>Puts folded slots back into files of their own.</summary>
    private void CopyOwn(long first, long last)
    {
        for (var slot = first; slot <= last; slot++)
        {
            var bytes = _bed.Archive.Log.ReadBytes(slot, CancellationToken.None).Bytes;
            File.WriteAllBytes(_bed.Archive.Log.FileOf(slot), bytes);
        }
    }

    private void Fold(long newest)
    {
        var log = NewLog();
        new LogFolding(_bed.Archive.Layout, log).Run(newest, CancellationToken.None);
    }

    private List<LogRecord> Claims(int count)
    {
        for (var epoch = 1; epoch <= count; epoch++)
        {
            Claim(epoch, "n1");
        }

        return [.. _bed.Archive.List(CancellationToken.None)];
    }

    private static ClaimRecord Draft(long epoch, string node) =>
        new(TestBed.Service, 0, Guid.NewGuid().ToString("N"), epoch, node, DateTimeOffset.UnixEpoch);

    private static DumpRecord Dump(long slot, long epoch, string node)
    {
        var nonce = Guid.NewGuid().ToString("N");
        var manifest = new ManifestLocation(nonce, 0, 0, 0, new string('0', 64));
        return new DumpRecord(TestBed.Service, slot, nonce, epoch, node, DateTimeOffset.UnixEpoch, new StoredContent(manifest, 0, 0, 0, "none"));
    }

    private void Claim(long epoch, string node) =>
        Assert.Equal(SlotOutcome.Mine, _bed.Archive.Log.Claim(Draft(epoch, node), 0, CancellationToken.None).Outcome);

    private void Commit(long slot, long epoch, string node) =>
        Assert.Equal(SlotOutcome.Mine, _bed.Archive.Log.Commit(Dump(slot, epoch, node), CancellationToken.None).Outcome);
}
