using ClusterFs.Archive.Log;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>Two dumps, of which the second differs in everything that a tree can differ in, and little; and a node that has the first.</summary>
internal sealed class StaleTree
{
    private const int Mebibyte = 1 << 20;
    private readonly TestBed _bed;

    /// <summary>Where a change in place may be cut short, in order, and whether what is there afterwards is the new content.</summary>
    public static TheoryData<string, bool> Points => new()
    {
        { "staged", false },
        { "planned", false },
        { "announced", false },
        { "moved away", false },
        { "begun", true },
        { "changed", true },
        { "written", true },
        { "moved back", true },
        { "opened", true },
    };

    public StaleTree(TestBed bed)
    {
        _bed = bed;
        bed.Write("n1", "page", "old");
        bed.Write("n1", "same", "the same");
        bed.Write("n1", "gone/deep/file", "gone");
        bed.Write("n1", "was directory/file", "old");
        bed.Write("n1", "was file", "old");
        bed.Write("n1", "mode", "only the mode changes");
        TreeChange.SetAttributes(In("n1", "mode"), [new ExtendedAttribute("user.one", [1]), new ExtendedAttribute("user.old", [2])]);
        bed.Write("n1", "linked", "has two names");
        Assert.True(Durable.TryLink(In("n1", "linked"), In("n1", "linked too")));
        File.CreateSymbolicLink(In("n1", "link"), "page");
        using (var file = File.Create(In("n1", "db")))
        {
            var bytes = new byte[9 * Mebibyte];
            new Random(1).NextBytes(bytes);
            file.Write(bytes);
            file.SetLength(12 * Mebibyte);
        }

        bed.TakeOver("n1", 1);
        Old = bed.Dump("n1", 1);
        OldState = TestBed.Describe(bed.Live("n1"));
        bed.Write("n1", "page", "the new one");
        bed.Write("n1", "new/deep/file", "new");
        Directory.Delete(In("n1", "gone"), recursive: true);
        Directory.Delete(In("n1", "was directory"), recursive: true);
        File.CreateSymbolicLink(In("n1", "was directory"), "new");
        File.Delete(In("n1", "was file"));
        bed.Write("n1", "was file/file", "new");
        TreeChange.SetAttributes(In("n1", "mode"), [new ExtendedAttribute("user.one", [3]), new ExtendedAttribute("user.new", [4])]);
        FileAttribution.SetMode(In("n1", "mode"), 0x124);
        FileAttribution.SetMode(In("n1", "new"), 0x16D);
        File.Delete(In("n1", "linked"));
        bed.Write("n1", "linked", "has one name");
        Assert.True(Durable.TryLink(In("n1", "same"), In("n1", "same too")));
        File.Delete(In("n1", "link"));
        File.CreateSymbolicLink(In("n1", "link"), "same");
        using (var file = new FileStream(In("n1", "db"), FileMode.Open))
        {
            file.Position = 5000;
            file.Write("changed"u8);
            file.Position = 3 * Mebibyte;
            file.Write(new byte[40 * 4096]);
            file.Position = 11 * Mebibyte;
            file.Write("in what was a hole"u8);
            file.Position = (13 * Mebibyte) + 100;
            file.Write("the end"u8);
        }

        New = bed.Dump("n1", 1);
        NewState = TestBed.Describe(bed.Live("n1"));
        Restore(Old);
    }

    public DumpRecord Old { get; }

    public string OldState { get; }

    public DumpRecord New { get; }

    public string NewState { get; }

    public string Live => _bed.Live("n3");

    public string Changing => Path.Combine(_bed.MarkerOf("n3"), "changing");

    /// <summary>The tree while it is changed.</summary>
    public string Tree => Path.Combine(Changing, "tree");

    public string State => TestBed.Describe(Live);

    public string In(string node, string path) => Path.Combine(_bed.Live(node), path);

    /// <summary>Restores over what the node has, in place.</summary>
    /// <param name="point">Where it is cut short; null where it is not.</param>
    /// <param name="atPoint">What else is done at each point.</param>
    public void Restore(DumpRecord dump, string? point = null, Action<string>? atPoint = null)
    {
        void Cut(string reached)
        {
            atPoint?.Invoke(reached);
            if (reached == point)
            {
                throw new OperationCanceledException(reached);
            }
        }

        void Run() => _bed.On("n3", content => content.RestoreOver(dump, null, CancellationToken.None), Cut);
        if (point is null)
        {
            Run();
        }
        else
        {
            Assert.Equal(point, Assert.Throws<OperationCanceledException>(Run).Message);
        }
    }

    /// <summary>What the node does by itself when it is up again, shared storage being away.</summary>
    public void Recover()
    {
        var away = _bed.Shared + ".away";
        Directory.Move(_bed.Shared, away);
        try
        {
            _bed.On("n3", content =>
            {
                content.DropStandby(CancellationToken.None);
                return true;
            });
        }
        finally
        {
            Directory.Move(away, _bed.Shared);
        }
    }
}
