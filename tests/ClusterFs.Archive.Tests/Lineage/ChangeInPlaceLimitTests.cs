using ClusterFs.Archive.Log;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>What is too much to be changed in place comes out right all the same.</summary>
public sealed class ChangeInPlaceLimitTests : IDisposable
{
    private readonly TestBed _bed = new();
    private readonly StaleTree _stale;

    public ChangeInPlaceLimitTests() => _stale = new StaleTree(_bed);

    [Theory]
    [InlineData(2, false)]
    [InlineData(100, true)]
    public void Many_parts_of_large_files_are_too_much(int ranges, bool isInPlace)
    {
        var tree = FileStatus.TryRead(_stale.Live)!.Value.Inode;
        ChangeLimits LimitsOf(StoredContent content) => TestBed.AlwaysInPlace(content) with { Ranges = ranges };
        _bed.On("n3", content => content.RestoreOver(_stale.New, null, CancellationToken.None), limitsOf: LimitsOf);

        Assert.Equal(_stale.NewState, _stale.State);
        Assert.Equal(isInPlace, tree == FileStatus.TryRead(_stale.Live)!.Value.Inode);
    }

    public void Dispose() => _bed.Dispose();
}
