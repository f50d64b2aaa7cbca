using ClusterFs.Archive.Log;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>Whoever owns the tree puts links in the place of what is looked at and changed: nothing outside of the tree is changed by that.</summary>
public sealed class ChangeInPlaceLinkTests : IDisposable
{
    private readonly TestBed _bed = new();
    private readonly DumpRecord _new;
    private readonly string _outside;
    private readonly string _outsideState;

    public ChangeInPlaceLinkTests()
    {
        var bytes = new byte[6 << 20];
        new Random(1).NextBytes(bytes);
        _bed.Write("n1", "d/a", "seen first");
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "d", "db"), bytes);
        foreach (var path in (string[])["gone/file", "placed/file", "linked/file", "made/file", "mode/file"])
        {
            _bed.Write("n1", path, "old");
        }

        _bed.TakeOver("n1", 1);
        var old = _bed.Dump("n1", 1);
        using (var file = new FileStream(Path.Combine(_bed.Live("n1"), "d", "db"), FileMode.Open))
        {
            file.Position = 5000;
            file.Write("new"u8);
        }

        File.Delete(Path.Combine(_bed.Live("n1"), "gone", "file"));
        _bed.Write("n1", "placed/file", "new one");
        Assert.True(Durable.TryLink(Path.Combine(_bed.Live("n1"), "linked", "file"), Path.Combine(_bed.Live("n1"), "linked", "too")));
        _bed.Write("n1", "made/directory/file", "new");
        FileAttribution.SetMode(Path.Combine(_bed.Live("n1"), "mode", "file"), 0x1FF);
        _new = _bed.Dump("n1", 1);
        _bed.On("n3", content => content.RestoreOver(old, null, CancellationToken.None));

        // Has all that the tree has.
        _outside = _bed.Scratch("outside");
        Programs.Run("cp", "-a", _bed.Live("n3"), _outside);
        _outsideState = TestBed.Describe(_outside);
    }

    private string Tree => Path.Combine(_bed.MarkerOf("n3"), "changing", "tree");

    [Theory]
    [InlineData("gone")]
    [InlineData("placed")]
    [InlineData("linked")]
    [InlineData("made")]
    [InlineData("mode")]
    [InlineData("mode/file")]
    [InlineData("d")]
    [InlineData("d/db")]
    public void One_put_there_while_the_tree_is_changed_is_not_followed_but_named(string path)
    {
        var refused = Assert.Throws<LocalContentException>(() => Restore(
            reached =>
            {
                if (reached == "begun")
                {
                    Replace(Path.Combine(Tree, path), Path.Combine(_outside, path));
                }
            },
            null));

        Assert.Equal(_outsideState, TestBed.Describe(_outside));
        Assert.Contains(Path.Combine(Tree, path), refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("/proc/", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>When the first file of the directory is right, its large one was not yet looked at.</summary>
    [Fact]
    public void One_put_there_while_the_tree_is_looked_at_is_not_followed()
    {
        var path = Path.Combine(_bed.Live("n3"), "d");
        var done = false;
        try
        {
            Restore(_ => { }, new AtOnce(progress =>
            {
                if (progress.Bytes > 0 && !done)
                {
                    done = true;
                    Replace(path, Path.Combine(_outside, "d"));
                }
            }));
        }
        catch (LocalContentException refused)
        {
            Assert.Contains(Path.Combine(Tree, "d"), refused.Message, StringComparison.Ordinal);
        }

        Assert.True(done);
        Assert.Equal(_outsideState, TestBed.Describe(_outside));
    }

    public void Dispose() => _bed.Dispose();

    private static void Replace(string path, string target)
    {
        Durable.Rename(path, path + ".away");
        File.CreateSymbolicLink(path, target);
    }

    private void Restore(Action<string> atPoint, IProgress<RestoreProgress>? progress) =>
        _bed.On("n3", content => content.RestoreOver(_new, progress, CancellationToken.None), atPoint, limitsOf: TestBed.AlwaysInPlace);

    private sealed class AtOnce(Action<RestoreProgress> report) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => report(value);
    }
}
