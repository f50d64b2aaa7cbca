namespace ClusterFs.Archive.Tests.Capture;

/// <summary>Tests on file systems that share blocks between files.</summary>
public abstract class KeptDisks(BtrfsDisk btrfs, XfsDisk xfs) : IClassFixture<BtrfsDisk>, IClassFixture<XfsDisk>, IDisposable
{
    private readonly List<TestBed> _beds = [];

    public void Dispose()
    {
        _beds.ForEach(bed => bed.Dispose());
        GC.SuppressFinalize(this);
    }

    /// <param name="disk">xfs, btrfs, or plain for where temporary files lie.</param>
    private protected TestBed NewBed(string disk)
    {
        var bed = new TestBed(disk == "plain" ? null : Require(disk).MountPoint);
        _beds.Add(bed);
        Directory.CreateDirectory(bed.Live("n1"));
        bed.TakeOver("n1", 1);
        return bed;
    }

    private protected LoopDisk Require(string disk)
    {
        LoopDisk found = disk == "xfs" ? xfs : btrfs;
        Skip.If(found.Missing is not null, found.Missing);
        return found;
    }

    private protected void Drop(TestBed bed)
    {
        bed.Dispose();
        _beds.Remove(bed);
    }
}
