using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Lineage;

public sealed class OwnChangesTests
{
    private const long Second = 1_000_000_000;

    /// <summary>On a file system that keeps whole seconds, what another process writes at once would else bear the time of what this one wrote.</summary>
    [Fact]
    public void Others_get_the_tree_only_when_what_they_change_bears_another_time()
    {
        var now = 10 * Second;
        var stamps = new Queue<long>([now, now, now]);
        var own = new OwnChanges(new FileSystemClock("/nowhere") { Stamp = _ => stamps.TryDequeue(out var stamp) ? stamp : now += Second });

        own.End();
        own.AwaitOthers();

        Assert.Equal(11 * Second, now);
        Assert.Equal((true, false), (own.Explains(ChangedAt(10 * Second)), own.Explains(ChangedAt(now))));
    }

    /// <summary>Others had nothing of it before they got another time, so nobody has to wait for a tick more.</summary>
    [Fact]
    public void What_this_process_changed_is_settled_at_once_and_what_another_changed_since_after_a_tick()
    {
        var stamps = new Queue<long>([(10 * Second) + 1, (10 * Second) + 1, (10 * Second) + 2]);
        var own = new OwnChanges(new FileSystemClock("/nowhere") { Stamp = _ => stamps.Dequeue() });
        own.End();
        own.AwaitOthers();

        Assert.True(own.IsSettled(ChangedAt((10 * Second) + 1), (10 * Second) + 2));
        Assert.False(own.IsSettled(ChangedAt((10 * Second) + 2), (10 * Second) + 3));
        Assert.True(own.IsSettled(ChangedAt((10 * Second) + 2), 11 * Second));
        Assert.Empty(stamps);
    }

    /// <summary>What others change then may bear the time of what this process changed, or one before.</summary>
    [Fact]
    public void A_clock_that_was_put_back_when_others_had_the_tree_tells_nothing_either()
    {
        var stamps = new Queue<long>([10 * Second, 11 * Second]);
        var own = new OwnChanges(new FileSystemClock("/nowhere") { Stamp = _ => stamps.Dequeue() });
        own.End();
        own.AwaitOthers();

        own.BeginLook((10 * Second) + 1);
        Assert.True(own.Explains(ChangedAt(Second)));
        own.BeginLook(10 * Second);

        Assert.False(own.Explains(ChangedAt(Second)));
        Assert.False(own.IsSettled(ChangedAt(10 * Second), 10 * Second));
    }

    [Fact]
    public void Without_a_stamp_of_its_own_a_process_waits_for_its_changes_to_settle_too()
    {
        var own = new OwnChanges(new FileSystemClock("/nowhere") { Stamp = _ => throw new IOException("no space left") });
        own.End();
        own.AwaitOthers();

        Assert.False(own.IsSettled(ChangedAt((10 * Second) + 1), (10 * Second) + 2));
    }

    [Fact]
    public void A_clock_that_was_put_back_tells_nothing()
    {
        var stamps = new Queue<long>([10 * Second]);
        var own = new OwnChanges(new FileSystemClock("/nowhere") { Stamp = _ => stamps.TryDequeue(out var first) ? first : Second });

        own.End();
        own.AwaitOthers();

        Assert.Equal(((long?)null, false), (own.LastAt, own.Explains(ChangedAt(Second))));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_disk_that_has_no_room_for_a_stamp_tells_nothing_and_holds_nobody_up(int stamps)
    {
        var own = new OwnChanges(new FileSystemClock("/nowhere") { Stamp = _ => stamps-- > 0 ? 10 * Second : throw new IOException("no space left") });

        own.End();
        own.AwaitOthers();

        Assert.Equal(((long?)null, false), (own.LastAt, own.Explains(ChangedAt(Second))));
    }

    /// <summary>Whoever writes after the clock was put back bears an earlier time of change; what else is seen of the file tells.</summary>
    [Fact]
    public void What_is_not_as_it_was_restored_is_not_explained_by_its_time_of_change()
    {
        var own = new OwnChanges(new FileSystemClock("/nowhere") { Stamp = _ => 10 * Second });
        own.End();
        var entry = new ManifestEntry("page", FileKind.File, Mode: 0x1A4, Processes.EffectiveUser, Group: 0, ModifiedNs: 3);
        var restored = ChangedAt(Second) with { Mode = 0x1A4, User = Processes.EffectiveUser, ModifiedNs = 3 };

        Assert.True(own.Explains(restored, entry));
        Assert.False(own.Explains(restored with { ModifiedNs = 4 }, entry));
        Assert.False(own.Explains(restored with { Mode = 0x100 }, entry));
        Assert.Equal(!Processes.IsRoot, own.Explains(restored with { Group = 7 }, entry));
        Assert.True(own.Explains(restored, entry with { Content = new FileContent(restored.Size, default) }));
        Assert.False(own.Explains(restored, entry with { Content = new FileContent(restored.Size + 1, default) }));
    }

    [Fact]
    public void A_file_system_of_whole_seconds_has_the_time_it_was_given_as_far_as_it_can()
    {
        var own = new OwnChanges(new FileSystemClock("/nowhere") { Stamp = _ => 10 * Second });
        own.End();
        var entry = new ManifestEntry("page", FileKind.File, Mode: 0, Processes.EffectiveUser, Group: 0, ModifiedNs: (3 * Second) + 5);
        var restored = ChangedAt(Second) with { User = Processes.EffectiveUser, ModifiedNs = 3 * Second };

        Assert.True(own.Explains(restored, entry));
        Assert.False(own.Explains(restored with { ChangedNs = Second + 1 }, entry));
        Assert.False(own.Explains(restored with { ModifiedNs = 4 * Second }, entry));
    }

    private static FileStatus ChangedAt(long ns) => new(FileKind.File, Mode: 0, User: 0, Group: 0, Size: 1, ModifiedNs: 1, ns, Inode: 1, Device: 1, Links: 1);
}
