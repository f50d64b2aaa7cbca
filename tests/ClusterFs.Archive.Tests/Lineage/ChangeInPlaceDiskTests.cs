using System.Security.Cryptography;
using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>Changes in place on a disk that loses its power, or is full.</summary>
public sealed class ChangeInPlaceDiskTests : IDisposable
{
    private readonly Ext4Disk _disk = new();
    private readonly TestBed? _bed;

    public ChangeInPlaceDiskTests() => _bed = _disk.Missing is null ? new TestBed(_disk.MountPoint) : null;

    [SkippableTheory]
    [MemberData(nameof(StaleTree.Points), MemberType = typeof(StaleTree))]
    public void A_power_cut_leaves_the_old_content_or_the_new_one_whole(string point, bool isNew)
    {
        Skip.If(_disk.Missing is not null, _disk.Missing);
        var stale = new StaleTree(_bed!);
        Programs.Run("sync", "-f", _disk.MountPoint);

        // So that nothing reaches the disk by itself, nor in time.
        Programs.Run("mount", "-o", "remount,commit=300", _disk.MountPoint);
        var left = string.Empty;
        stale.Restore(stale.New, point, reached => left = reached == point ? _disk.CutNow() : left);
        _disk.ComeBack(left);

        Assert.True(!Directory.Exists(stale.Live) || stale.State == stale.OldState || stale.State == stale.NewState);
        stale.Recover();
        Assert.Equal(isNew ? stale.NewState : stale.OldState, stale.State);
    }

    /// <summary>So many that some are on their way to the disk while others are staged, and while others are written.</summary>
    [SkippableTheory]
    [InlineData("planned", false)]
    [InlineData("changed", true)]
    [InlineData("moved back", true)]
    public void So_does_one_while_many_scattered_pages_are_changed(string point, bool isNew)
    {
        Skip.If(_disk.Missing is not null, _disk.Missing);
        var before = RandomNumberGenerator.GetBytes(16 << 20);
        var after = before.ToArray();
        for (var page = 0; page < after.Length; page += 3 * PageMap.PageSize)
        {
            RandomNumberGenerator.Fill(after.AsSpan(page, PageMap.PageSize));
        }

        Directory.CreateDirectory(_bed!.Live("n1"));
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "db"), before);
        _bed.TakeOver("n1", 1);
        var old = _bed.Dump("n1", 1);
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "db"), after);
        var changed = _bed.Dump("n1", 1);
        _bed.On("n3", content => content.RestoreOver(old, null, CancellationToken.None));
        Programs.Run("sync", "-f", _disk.MountPoint);
        Programs.Run("mount", "-o", "remount,commit=300", _disk.MountPoint);

        var left = string.Empty;
        Assert.Throws<OperationCanceledException>(() => _bed.On(
            "n3",
            content => content.RestoreOver(changed, null, CancellationToken.None),
            reached =>
            {
                if (reached == point)
                {
                    left = _disk.CutNow();
                    throw new OperationCanceledException(reached);
                }
            },
            limitsOf: TestBed.AlwaysInPlace));
        _disk.ComeBack(left);

        _bed.On("n3", content =>
        {
            content.DropStandby(CancellationToken.None);
            return true;
        });
        Assert.Equal(isNew ? after : before, File.ReadAllBytes(Path.Combine(_bed.Live("n3"), "db")));
    }

    [SkippableFact]
    public void What_was_changed_is_on_the_disk_when_it_is_said_to_be()
    {
        Skip.If(_disk.Missing is not null, _disk.Missing);
        var stale = new StaleTree(_bed!);
        Programs.Run("mount", "-o", "remount,commit=300", _disk.MountPoint);
        stale.Restore(stale.New);

        _disk.CutPower();

        Assert.Equal(stale.NewState, stale.State);

        // Deleted files may have come back: nobody takes them for a change under way.
        stale.Recover();
        Assert.Equal(stale.NewState, stale.State);
        Assert.Empty(Directory.EnumerateFileSystemEntries(stale.Changing));
    }

    /// <summary>From no room at all to enough of it.</summary>
    [SkippableFact]
    public void A_disk_that_is_full_leaves_the_old_content_whole()
    {
        Skip.If(_disk.Missing is not null, _disk.Missing);
        var stale = new StaleTree(_bed!);
        var filler = _bed!.Scratch("filler");
        var (refused, done) = (0, false);
        for (var room = 0; !done && room < 400; room++)
        {
            // What is free, root's share too, and then so many blocks less.
            Programs.Try("dd", "if=/dev/zero", $"of={filler}", "bs=1M");
            using (var file = new FileStream(filler, FileMode.Open))
            {
                file.SetLength(file.Length - (room * 4 * 4096));
            }

            try
            {
                stale.Restore(stale.New);
                done = true;
            }
            catch (LocalContentException)
            {
                refused++;
                Assert.Equal(stale.OldState, stale.State);
            }

            File.Delete(filler);
        }

        Assert.True(done && refused > 3, $"refused {refused} times");
        Assert.Equal(stale.NewState, stale.State);
    }

    /// <summary>By then the new content is where it belongs. What cannot even get another name is found before anything is changed.</summary>
    [SkippableTheory]
    [InlineData("gone/deep/file", true)]
    [InlineData("gone", false)]
    [InlineData("page", false)]
    public void What_cannot_be_deleted_is_met_once_the_change_is_over(string path, bool inPlace)
    {
        Skip.If(_disk.Missing is not null, _disk.Missing);
        var stale = new StaleTree(_bed!);
        var tree = FileStatus.TryRead(stale.Live)!.Value.Inode;
        Programs.Run("chattr", "+i", stale.In("n3", path));

        var refused = Assert.Throws<LocalContentException>(() => stale.Restore(stale.New));

        Assert.Equal(inPlace, refused.Message.Contains(Path.Combine(stale.Changing, "gone."), StringComparison.Ordinal));
        Assert.Equal(stale.NewState, stale.State);
        Assert.Equal(inPlace, tree == FileStatus.TryRead(stale.Live)!.Value.Inode);
        Programs.Run("find", _bed!.MarkerOf("n3"), "-name", Path.GetFileName(path), "-exec", "chattr", "-i", "{}", "+");
        Programs.Run("find", _bed!.MarkerOf("n3"), "-name", "gone.*", "-exec", "chattr", "-i", "{}", "+");
        stale.Recover();
        Assert.Equal(stale.NewState, stale.State);
        Assert.Empty(Directory.EnumerateFileSystemEntries(stale.Changing));
    }

    [SkippableFact]
    public void So_is_a_name_below_a_removed_directory_that_is_no_utf8()
    {
        Skip.If(_disk.Missing is not null, _disk.Missing);
        var stale = new StaleTree(_bed!);
        var tree = FileStatus.TryRead(stale.Live)!.Value.Inode;
        Programs.Run("bash", "-c", $"touch '{stale.In("n3", "gone/deep")}/'$'\\xff'");

        Assert.Throws<LocalContentException>(() => stale.Restore(stale.New));

        Assert.Equal(stale.NewState, stale.State);
        Assert.Equal(tree, FileStatus.TryRead(stale.Live)!.Value.Inode);
        Programs.Run("bash", "-c", $"rm -r '{stale.Changing}'/gone.*");
        stale.Recover();
        Assert.Equal(stale.NewState, stale.State);
    }

    public void Dispose()
    {
        _bed?.Dispose();
        _disk.Dispose();
    }
}
