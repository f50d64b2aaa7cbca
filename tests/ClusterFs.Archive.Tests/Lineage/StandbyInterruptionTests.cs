using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Posix;
using static ClusterFs.Archive.Tests.Lineage.StandbyFiles;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>A standby copy whose making was cut short, or failed, is used by nobody before it was made right.</summary>
public sealed class StandbyInterruptionTests : IDisposable
{
    private const int Killed = 128 + 9;
    private readonly TestBed _bed = new();

    [Fact]
    public void After_a_loss_of_power_during_a_change_the_copy_is_read_before_it_is_believed()
    {
        WriteRandom(_bed, "n1", "db", 6);
        _bed.Write("n1", "page", "right");
        _bed.Write("n1", "other", "old");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        _bed.Write("n1", "other", "new");
        _bed.Dump("n1", 1);
        using (var child = new Child("follow", _bed.Shared, _bed.Live("n2"), "n2", "standby changing"))
        {
            Assert.Equal(Killed, child.Wait());
        }

        // Bytes reached the disk that the times of their files do not tell of.
        Forge(Path.Combine(_bed.Standby("n2"), "page"), "wrong");
        Overwrite(Path.Combine(_bed.Standby("n2"), "db"), 11_000_000, [1, 2, 3]);
        Believe("n2");
        var file = Path.Combine(_bed.Root, "n2", ".live.clusterfs", "standby", "standby.json");
        var record = SealedJson.TryRead(file, StandbyJson.Default.StandbyRecord)!;
        Assert.Equal(MachineClock.BootId, record.Boot);
        File.WriteAllBytes(file, SealedJson.Write(record with { Boot = "another boot" }, StandbyJson.Default.StandbyRecord));

        // Cut short once more, in this boot: the copy is no more to be believed than before.
        Assert.Throws<Cut>(() => _bed.Follow("n2", point => Throw(point == "standby changing")));
        _bed.TakeOver("n2", 2);

        AssertSame(_bed.Live("n1"), _bed.Live("n2"));
    }

    [Fact]
    public void A_copy_that_cannot_be_made_right_stands_in_nobodys_way()
    {
        _bed.Write("n1", "page", "first");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        _bed.Write("n1", "page", "second");
        _bed.Dump("n1", 1);

        var ready = (TakeOverResult.Ready)_bed.On(
            "n2", content => content.TakeOver(2, null, CancellationToken.None), point => ThrowIf(point == "standby changing", new IOException("No space left")));

        Assert.Contains("restored", ready.Explanation, StringComparison.Ordinal);
        AssertSame(_bed.Live("n1"), _bed.Live("n2"));
        AssertNoCopy(_bed, "n2");
    }

    [Fact]
    public void A_copy_that_never_was_whole_takes_no_room_from_what_is_restored_instead()
    {
        _bed.Write("n1", "page", "first");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.TakeOver("n2", 2);
        _bed.Write("n2", "page", "second");
        _bed.Dump("n2", 2);
        Assert.Throws<Cut>(() => _bed.Follow("n1", point => Throw(point == "standby changed")));
        var seen = false;
        using var content = _bed.Open("n1", point =>
        {
            if (point == "restored")
            {
                seen = true;
                AssertNoCopy(_bed, "n1");
                Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_bed.MarkerOf("n1"), "previous")));
            }
        });

        content.TakeOver(3, null, CancellationToken.None);

        Assert.True(seen);
        AssertSame(_bed.Live("n2"), _bed.Live("n1"));
    }

    [Theory]
    [InlineData("standby changing")]
    [InlineData("standby changed")]
    [InlineData("standby synced")]
    [InlineData("standby indexed")]
    [InlineData("standby whole")]
    public void A_kill_while_following_leaves_a_copy_that_is_made_right(string point)
    {
        foreach (var first in (bool[])[true, false])
        {
            using var bed = new TestBed();
            Directory.CreateDirectory(bed.Live("n1"));
            File.WriteAllBytes(Path.Combine(bed.Live("n1"), "db"), RandomBytes(3 << 20, 8));
            bed.Write("n1", "page", "first");
            bed.TakeOver("n1", 1);
            bed.Dump("n1", 1);
            if (!first)
            {
                bed.Follow("n2");
            }

            bed.Write("n1", "page", "second");
            Overwrite(Path.Combine(bed.Live("n1"), "db"), 1_000_000, [1, 2, 3]);
            bed.Dump("n1", 1);
            using var child = new Child("follow", bed.Shared, bed.Live("n2"), "n2", point);
            Assert.Equal(Killed, child.Wait());
            if (first)
            {
                bed.Follow("n2");
                AssertSame(bed.Live("n1"), bed.Standby("n2"));
            }

            var ready = bed.TakeOver("n2", 2);
            Assert.Contains("standby copy", ready.Explanation, StringComparison.Ordinal);
            AssertSame(bed.Live("n1"), bed.Live("n2"));
        }
    }

    [Theory]
    [InlineData("claimed", false)]
    [InlineData("kept", false)]
    [InlineData("standby changed", false)]
    [InlineData("standby ready", false)]
    [InlineData("standby staged", false)]
    [InlineData("announced", false)]
    [InlineData("exchanged", true)]
    [InlineData("swapped", true)]
    [InlineData("opened", true)]
    public void A_kill_during_a_takeover_leaves_old_or_new_content_whole_and_the_copy_is_not_lost(string point, bool isNew)
    {
        _bed.Write("n1", "page", "line");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Write("n2", "page", "local");
        _bed.Follow("n2");
        _bed.Write("n1", "dir/page", "line");
        _bed.Dump("n1", 1);
        var local = TestBed.Describe(_bed.Live("n2"));
        using var child = new Child("take-over", _bed.Shared, _bed.Live("n2"), "n2", "2", point);

        Assert.Equal(Killed, child.Wait());
        AssertSame(isNew ? TestBed.Describe(_bed.Live("n1")) : local, _bed.Live("n2"));

        var again = _bed.TakeOver("n2", 2);
        Assert.Equal(isNew ? ContentBasis.KeptByLineage : ContentBasis.Restored, again.Basis);
        Assert.Equal(!isNew, again.Explanation.Contains("standby copy", StringComparison.Ordinal));
        AssertSame(_bed.Live("n1"), _bed.Live("n2"));
        AssertNoCopy(_bed, "n2");
        Assert.Single(_bed.Archive.ListDivergent(CancellationToken.None));
        _ = _bed.On("n2", content => content.Dump(2, CancellationToken.None));
        Assert.Empty(Directory.EnumerateFileSystemEntries(Path.Combine(_bed.Root, "n2", ".live.clusterfs", "previous")));
    }

    [Fact]
    public void Following_that_is_cancelled_goes_on_where_it_was()
    {
        for (var i = 0; i < 300; i++)
        {
            _bed.Write("n1", $"mail/{i}", new string((char)('a' + (i % 26)), 3000));
        }

        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        using var cancellation = new CancellationTokenSource();
        var progress = new Cancelling(cancellation, after: 100);
        Assert.Throws<OperationCanceledException>(() => _bed.On("n2", content => content.Follow(0, progress, cancellation.Token)));
        Assert.InRange(Directory.GetFiles(Path.Combine(_bed.Standby("n2"), "mail")).Length, 100, 299);
        var inode = InodeOf(Path.Combine(_bed.Standby("n2"), "mail/0"));
        _bed.Follow("n2");
        Assert.Equal(inode, InodeOf(Path.Combine(_bed.Standby("n2"), "mail/0")));
        AssertSame(_bed.Live("n1"), _bed.Standby("n2"));
    }

    [Fact]
    public void A_copy_that_was_whole_is_not_left_half_changed_when_following_is_cancelled()
    {
        WriteRandom(_bed, "n1", "db", 9);
        _bed.Write("n1", "page", "first");
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        Overwrite(Path.Combine(_bed.Live("n1"), "db"), 1_000_000, [1, 2, 3]);
        Overwrite(Path.Combine(_bed.Live("n1"), "db"), 20_000_000, [1, 2, 3]);
        _bed.Write("n1", "page", "second");
        _bed.Dump("n1", 1);
        using var cancellation = new CancellationTokenSource();
        var followed = _bed.On(
            "n2", content => content.Follow(0, null, cancellation.Token), point => CancelIf(point == "standby changing", cancellation));
        Assert.IsType<FollowResult.Followed>(followed);
        AssertSame(_bed.Live("n1"), _bed.Standby("n2"));

        // Before anything is changed it ends at once.
        _bed.Write("n1", "page", "third");
        _bed.Dump("n1", 1);
        using var cancelled = new CancellationTokenSource();
        Assert.Throws<OperationCanceledException>(() => _bed.On(
            "n2", content => content.Follow(0, new Cancelling(cancelled, after: 0), cancelled.Token)));
        Assert.DoesNotContain("changingTo", File.ReadAllText(Path.Combine(_bed.Standby("n2"), "..", "standby.json")), StringComparison.Ordinal);
    }

    public void Dispose() => _bed.Dispose();

    /// <summary>Makes the index of a copy say that every file is as it was when its content was written there.</summary>
    private void Believe(string node)
    {
        var file = Path.Combine(_bed.Root, node, ".live.clusterfs", "standby", "index");
        var index = LocalIndex.TryOpen(file)!;
        using var writer = new LocalIndex.Writer(file);
        foreach (var row in index.Read())
        {
            var identity = FileIdentity.Of(FileStatus.TryRead(Path.Combine(_bed.Standby(node), row.Entry.Path))!.Value);
            writer.Add(row with { Identity = identity, Settled = true });
        }

        writer.Finish(index.Subject, index.PageSeed);
    }

    private static void CancelIf(bool isNow, CancellationTokenSource cancellation)
    {
        if (isNow)
        {
            cancellation.Cancel();
        }
    }

    private static void Throw(bool isNow) => ThrowIf(isNow, new Cut());

    private static void ThrowIf(bool isNow, Exception error)
    {
        if (isNow)
        {
            throw error;
        }
    }

    private sealed class Cut : Exception;

    private sealed class Cancelling(CancellationTokenSource source, int after) : IProgress<ClusterFs.Archive.Restore.RestoreProgress>
    {
        public void Report(ClusterFs.Archive.Restore.RestoreProgress value)
        {
            if (value.Files >= after)
            {
                source.Cancel();
            }
        }
    }
}
