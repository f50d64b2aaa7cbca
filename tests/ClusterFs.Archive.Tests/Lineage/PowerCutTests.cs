using System.Buffers.Binary;
using System.IO.Hashing;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>The machine loses its power: bytes that a service synced are on the disk, and the times of their file are those of before.</summary>
public sealed class PowerCutTests : IDisposable
{
    private readonly Ext4Disk _disk = new();
    private readonly TestBed _bed;

    public PowerCutTests() => _bed = new TestBed(_disk.Missing is null ? _disk.MountPoint : null);

    [SkippableFact]
    public void What_was_written_is_kept_though_no_time_tells()
    {
        var before = WriteBeforePowerIsCut();
        Assert.Equal(before, FileIdentity.Of(FileStatus.TryRead(Page)!.Value));
        _bed.TakeOver("n2", 2);
        _bed.Write("n2", "page", new string('c', 8192));
        _bed.Dump("n2", 2);

        var kept = _bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None));

        Assert.NotNull(kept);
        Assert.Contains("bbbb", File.ReadAllText(Path.Combine(_bed.Restored(kept.Content), "page")));
    }

    [SkippableFact]
    public void The_next_dump_has_what_was_written()
    {
        WriteBeforePowerIsCut();

        var dump = _bed.Dump("n1", new CaptureSettings(CaptureMode.Copy));

        Assert.Contains("bbbb", File.ReadAllText(Path.Combine(_bed.Restored(dump.Record), "page")));
    }

    public void Dispose()
    {
        _bed.Dispose();
        _disk.Dispose();
    }

    private string Page => Path.Combine(_bed.Live("n1"), "page");

    /// <returns>The identity of the page as it was dumped, and as it is again.</returns>
    private FileIdentity WriteBeforePowerIsCut()
    {
        Skip.If(_disk.Missing is not null, _disk.Missing);
        Programs.Run("mount", "-o", "remount,commit=300", _disk.MountPoint);
        _bed.Write("n1", "page", new string('a', 8192));
        new FileSystemClock(_bed.Scratch("n1")).WaitUntilSettled(CancellationToken.None);
        _bed.TakeOver("n1", 1);
        _bed.Dump("n1", new CaptureSettings(CaptureMode.Copy));
        var identity = FileIdentity.Of(FileStatus.TryRead(Page)!.Value);
        Programs.Run("sync", "-f", _disk.MountPoint);
        var patch = _bed.Scratch("patch");
        File.WriteAllText(patch, new string('b', 4096));
        Programs.Run("dd", "if=" + patch, "of=" + Page, "bs=4096", "conv=notrunc,fdatasync", "status=none");
        _disk.CutPower();
        BeOfAnotherBoot(Path.Combine(_bed.MarkerOf("n1"), "index"));
        return identity;
    }

    private static void BeOfAnotherBoot(string index)
    {
        var bytes = File.ReadAllBytes(index);
        Guid.NewGuid().TryWriteBytes(bytes.AsSpan(LocalIndex.BootAt));
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(LocalIndex.HashAt), XxHash3.HashToUInt64(bytes.AsSpan(0, LocalIndex.HashAt)));
        File.WriteAllBytes(index, bytes);
    }
}
