using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Tests.Log;

public sealed class SlotLogTests : IDisposable
{
    private readonly TestBed _bed = new();

    public SlotLogTests() => _bed.Archive.Layout.CreateDirectories();

    [Fact]
    public async Task Concurrent_claims_of_threads_and_processes_give_one_dense_log_of_rising_epochs()
    {
        const int each = 25;
        using var one = new Child("claim", _bed.Shared, "n1", $"{each}");
        using var other = new Child("claim", _bed.Shared, "n2", $"{each}");
        await Task.WhenAll(Enumerable.Range(3, 3).Select(node => Task.Run(() => ChildProgram.ClaimMany(_bed.Archive, $"n{node}", each))));
        Assert.Equal(0, one.Wait());
        Assert.Equal(0, other.Wait());

        var log = _bed.Archive.List(CancellationToken.None);

        Assert.Equal(5 * each, log.Count);
        Assert.Equal(Enumerable.Range(1, log.Count).Select(slot => (long)slot), log.Select(record => record.Slot));
        Assert.All(log.Zip(log.Skip(1)), pair => Assert.True(pair.First.Epoch < pair.Second.Epoch));
        Assert.Empty(Directory.EnumerateFiles(_bed.Archive.Layout.Temporary));
    }

    [Fact]
    public void A_claim_that_succeeded_without_hearing_of_it_recognises_itself()
    {
        var draft = Draft(1, "n1");
        var first = _bed.Archive.Log.Claim(draft, 0, CancellationToken.None);
        var again = _bed.Archive.Log.Claim(draft, 0, CancellationToken.None);

        Assert.Equal(SlotOutcome.Mine, again.Outcome);
        Assert.Equal(first.Record, again.Record);
        Assert.Single(_bed.Archive.List(CancellationToken.None));
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 1)]
    [InlineData(4, 0)]
    public void A_claim_found_by_a_retry_is_made_durable_before_anyone_is_told(int slot, int listed)
    {
        for (var epoch = 1; epoch < slot; epoch++)
        {
            Claim(epoch, "n1");
        }

        var draft = Draft(slot, "n2");
        var failing = new SlotLog(_bed.Archive.Layout, TestBed.Service) { SyncDirectory = _ => throw new IOException("server away") };
        Assert.Throws<SharedStorageException>(() => failing.Claim(draft, 0, CancellationToken.None));
        Assert.NotNull(_bed.Archive.Log.TryRead(slot));

        var synced = new List<string>();
        var retry = new SlotLog(_bed.Archive.Layout, TestBed.Service) { SyncDirectory = synced.Add, HighestListed = () => listed };

        Assert.Equal(SlotOutcome.Mine, retry.Claim(draft, 0, CancellationToken.None).Outcome);
        Assert.Equal([_bed.Archive.Layout.Log], synced);
        Assert.Throws<SharedStorageException>(() => failing.Claim(draft, 0, CancellationToken.None));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(2)]
    public void A_claim_that_meets_its_own_or_a_higher_epoch_is_superseded(long epoch)
    {
        Claim(3, "n2");
        var taken = _bed.Archive.Log.Claim(Draft(epoch, "n1"), 0, CancellationToken.None);

        Assert.Equal(SlotOutcome.Superseded, taken.Outcome);
        Assert.Single(_bed.Archive.List(CancellationToken.None));
    }

    [Fact]
    public void A_stale_listing_makes_a_claim_walk_and_changes_nothing_else()
    {
        for (var epoch = 1; epoch <= 5; epoch++)
        {
            Claim(epoch, "n1");
        }

        var stale = new SlotLog(_bed.Archive.Layout, TestBed.Service) { HighestListed = () => 2 };
        var taken = stale.Claim(Draft(6, "n2"), 0, CancellationToken.None);

        Assert.Equal((SlotOutcome.Mine, 6L), (taken.Outcome, taken.Record.Slot));
    }

    [Fact]
    public async Task A_record_that_must_exist_and_cannot_be_seen_is_waited_for()
    {
        Claim(1, "n1");
        Claim(2, "n2");
        var hidden = _bed.Scratch("hidden");
        File.Move(_bed.Archive.Log.FileOf(2), hidden);
        var blind = new SlotLog(_bed.Archive.Layout, TestBed.Service) { HighestListed = () => 2 };

        var claim = Task.Run(() => blind.Claim(Draft(3, "n3"), 0, CancellationToken.None));
        Assert.NotSame(claim, await Task.WhenAny(claim, Task.Delay(TimeSpan.FromMilliseconds(300))));
        File.Move(hidden, _bed.Archive.Log.FileOf(2));

        Assert.Equal(3, (await claim).Record.Slot);
    }

    [Fact]
    public async Task A_list_waits_for_a_record_that_must_exist()
    {
        for (var epoch = 1; epoch <= 3; epoch++)
        {
            Claim(epoch, "n1");
        }

        var hidden = _bed.Scratch("hidden");
        File.Move(_bed.Archive.Log.FileOf(2), hidden);
        var list = Task.Run(() => _bed.Archive.List(CancellationToken.None));
        Assert.NotSame(list, await Task.WhenAny(list, Task.Delay(TimeSpan.FromMilliseconds(300))));
        File.Move(hidden, _bed.Archive.Log.FileOf(2));
        Assert.Equal(3, (await list).Count);
    }

    [Fact]
    public void Waiting_for_a_record_ends_with_the_callers_patience_and_names_it()
    {
        Claim(1, "n1");
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(150));
        var error = Assert.Throws<OperationCanceledException>(() => _bed.Archive.Log.Read(2, patience.Token));
        Assert.Contains("0000000002", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Waiting_for_a_record_ends_by_itself_and_names_it()
    {
        Claim(1, "n1");
        var log = new SlotLog(_bed.Archive.Layout, TestBed.Service) { Patience = TimeSpan.FromMilliseconds(150), HighestListed = () => 2 };

        var read = Task.Run(() => log.ReadFrom(1, CancellationToken.None).ToList());

        var error = await Assert.ThrowsAsync<SharedStorageException>(() => read.WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(log.FileOf(2), error.Path);
        Assert.Contains("must exist and cannot be seen", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_flipped_bit_of_a_record_is_found_and_the_record_named()
    {
        Claim(1, "n1");
        var file = _bed.Archive.Log.FileOf(1);
        for (var offset = 0; offset < new FileInfo(file).Length; offset++)
        {
            TestBed.FlipBit(file, offset);
            var error = Assert.Throws<DamagedArchiveException>(() => _bed.Archive.Log.TryRead(1));
            Assert.Equal(file, error.File);
            TestBed.FlipBit(file, offset);
        }
    }

    [Fact]
    public void A_record_in_the_wrong_slot_is_damage()
    {
        Claim(1, "n1");
        File.Copy(_bed.Archive.Log.FileOf(1), _bed.Archive.Log.FileOf(2));
        Assert.Throws<DamagedArchiveException>(() => _bed.Archive.List(CancellationToken.None));
    }

    [Fact]
    public void A_kind_that_is_not_known_is_named_and_never_skipped()
    {
        Claim(1, "n1");
        var file = _bed.Archive.Log.FileOf(1);
        var json = File.ReadLines(file).First().Replace("\"claim\"", "\"tombstone\"", StringComparison.Ordinal);
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(json)));
        File.WriteAllText(file, $"{json}\n{hash}\n");
        var error = Assert.Throws<UnsupportedArchiveException>(() => _bed.Archive.List(CancellationToken.None));
        Assert.Contains("tombstone", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_shared_directory_without_its_mount_is_not_an_empty_archive()
    {
        var archive = new ServiceArchive(_bed.Scratch("not-mounted"), TestBed.Service);
        Assert.Throws<SharedStorageException>(() => archive.List(CancellationToken.None));
        Assert.Throws<SharedStorageException>(archive.Layout.CreateDirectories);
    }

    public void Dispose() => _bed.Dispose();

    private static ClaimRecord Draft(long epoch, string node) =>
        new(TestBed.Service, 0, Guid.NewGuid().ToString("N"), epoch, node, DateTimeOffset.UnixEpoch);

    private void Claim(long epoch, string node) =>
        Assert.Equal(SlotOutcome.Mine, _bed.Archive.Log.Claim(Draft(epoch, node), 0, CancellationToken.None).Outcome);
}
