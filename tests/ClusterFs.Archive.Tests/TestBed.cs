using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Tests;

/// <summary>A scratch directory with shared storage and the disks of some nodes.</summary>
internal sealed class TestBed : IDisposable
{
    public const string Service = "wiki";

    private readonly List<LocalContent> _open = [];

    /// <param name="parent">Where the scratch directory is made; by default, where temporary files go.</param>
    public TestBed(string? parent = null)
    {
        Root = parent is null
            ? Directory.CreateTempSubdirectory("clusterfs-archive-").FullName
            : Directory.CreateDirectory(Path.Combine(parent, Guid.NewGuid().ToString("N"))).FullName;
        ServiceArchive.Initialize(Shared);
        Archive = new ServiceArchive(Shared, Service) { Patience = TimeSpan.FromMilliseconds(400) };
    }

    public string Root { get; }

    public string Shared => Path.Combine(Root, "shared");

    public ServiceArchive Archive { get; }

    public string Live(string node) => Path.Combine(Root, node, "live");

    public string Scratch(string name) => Path.Combine(Root, name);

    public LocalContent Open(string node, Action<string>? atPoint = null, CaptureMode mode = CaptureMode.Auto)
    {
        var content = LocalContent.Open(Archive, Live(node), node, mode, atPoint ?? (_ => { }));
        _open.Add(content);
        return content;
    }

    public LocalContent Open(string node, CaptureSettings capture, Action<string>? atPoint = null)
    {
        var content = LocalContent.Open(Archive, Live(node), node, capture with { LongestWrite = TimeSpan.Zero }, atPoint ?? (_ => { }));
        _open.Add(content);
        return content;
    }

    /// <summary>Opens what the node has for one dump under its epoch.</summary>
    public DumpResult.Committed Dump(string node, CaptureSettings capture, Action<string>? atPoint = null, bool ended = false)
    {
        using var content = LocalContent.Open(Archive, Live(node), node, capture with { LongestWrite = TimeSpan.Zero }, atPoint ?? (_ => { }));
        return Assert.IsType<DumpResult.Committed>(content.Dump(content.Epoch!.Value, CancellationToken.None, ended));
    }

    /// <summary>Writes a dump into a directory of its own.</summary>
    public string Restored(DumpRecord dump) => Restored(dump.Content);

    /// <summary>Writes a content into a directory of its own.</summary>
    public string Restored(StoredContent content)
    {
        var to = Scratch($"restored-{content.Manifest.Pack}");
        Archive.RestoreTo(content, to, null, CancellationToken.None);
        return to;
    }

    public string MarkerOf(string node) => Path.Combine(Root, node, ".live.clusterfs");

    /// <summary>However much differs, content is changed in place.</summary>
    public static ChangeLimits AlwaysInPlace(StoredContent content) => new(long.MaxValue / 2, int.MaxValue);

    /// <summary>However little differs, another tree is built.</summary>
    public static ChangeLimits NeverInPlace(StoredContent content) => new(-1, 0);

    /// <summary>Does something as a node that is then switched off.</summary>
    public T On<T>(
        string node,
        Func<LocalContent, T> action,
        Action<string>? atPoint = null,
        CaptureMode mode = CaptureMode.Auto,
        Func<StoredContent, ChangeLimits>? limitsOf = null)
    {
        var capture = new CaptureSettings(mode) { LongestWrite = TimeSpan.Zero };
        using var content = LocalContent.Open(Archive, Live(node), node, capture, atPoint ?? (_ => { }), limitsOf: limitsOf);
        return action(content);
    }

    public TakeOverResult.Ready TakeOver(string node, long epoch, Func<StoredContent, ChangeLimits>? limitsOf = null) =>
        Assert.IsType<TakeOverResult.Ready>(On(node, content => content.TakeOver(epoch, null, CancellationToken.None), limitsOf: limitsOf));

    public DumpRecord Dump(string node, long epoch) =>
        Assert.IsType<DumpResult.Committed>(On(node, content => content.Dump(epoch, CancellationToken.None))).Record;

    public FollowResult Follow(string node, Action<string>? atPoint = null) =>
        On(node, content => content.Follow(0, null, CancellationToken.None), atPoint);

    /// <summary>The standby copy of a node.</summary>
    public string Standby(string node) => Path.Combine(Root, node, ".live.clusterfs", "standby", "tree");

    public void Write(string node, string path, string text)
    {
        var file = Path.Combine(Live(node), path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    /// <summary>n1 wrote "lost" after its dump, and n2 took over and went on: slots 1 to 4. What n1 had is kept.</summary>
    public DivergentRecord LoseWritesOfN1()
    {
        Write("n1", "page", "dumped");
        TakeOver("n1", 1);
        Dump("n1", 1);
        Write("n1", "page", "lost");
        TakeOver("n2", 2);
        Write("n2", "page", "by n2");
        Dump("n2", 2);
        return On("n1", content => content.KeepDivergent("test", CancellationToken.None))!;
    }

    public string Read(string node, string path) => File.ReadAllText(Path.Combine(Live(node), path));

    public string PackOf(StoredContent content) => Path.Combine(Archive.Root, "packs", $"{content.Manifest.Pack}.pack");

    public long PackBytes() => Directory.EnumerateFiles(Path.Combine(Archive.Root, "packs")).Sum(file => new FileInfo(file).Length);

    /// <summary>A tree in words: every path with all that a restore must bring back.</summary>
    /// <param name="onlyContent">Without the times of links and directories: they alone make no dump, so the line need not have them.</param>
    public static string Describe(string root, bool onlyContent = false)
    {
        var words = new StringBuilder();
        var names = new Dictionary<ulong, string>();
        var top = FileStatus.TryRead(root)!.Value;
        words.AppendLine(CultureInfo.InvariantCulture, $". {top.Mode} {top.User}:{top.Group} {Attributes(root)}");
        foreach (var (path, status, _) in TreeScan.Scan(root, CancellationToken.None))
        {
            var file = Path.Combine(root, path);
            words.Append(CultureInfo.InvariantCulture, $"{path} {status.Kind} {status.Mode} {status.User}:{status.Group} {(onlyContent && status.Kind != FileKind.File ? 0 : status.ModifiedNs)}");
            words.Append(' ').Append(Attributes(file)).Append(' ').AppendLine(status.Kind switch
            {
                FileKind.File when !names.TryAdd(status.Inode, path) => $"same as {names[status.Inode]}",
                FileKind.File => $"{status.Size} {DigestOf(file)}",
                FileKind.SymbolicLink => new FileInfo(file).LinkTarget,
                _ => string.Empty,
            });
        }

        return words.ToString();
    }

    private static string Attributes(string file) =>
        string.Join(' ', ExtendedAttributes.Read(file).Select(one => $"{one.Name}={Convert.ToHexString(one.Value)}"));

    public static string DigestOf(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexString(SHA256.HashData(stream));
    }

    /// <summary>Takes a file for this process alone. Another test may be starting a process in this moment, which has all that is open here until it runs.</summary>
    public static SafeFileHandle OpenAlone(string file)
    {
        SafeFileHandle? alone = null;
        Await.That(() => (alone = PlainFile.TryOpenAlone(file)) is not null, "nobody else has the file open");
        return alone!;
    }

    public static void FlipBit(string file, long offset)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Position = offset;
        var value = stream.ReadByte();
        stream.Position = offset;
        stream.WriteByte((byte)(value ^ 0x10));
    }

    public void Dispose()
    {
        foreach (var content in _open)
        {
            content.Dispose();
        }

        // There may be snapshots in it.
        ScratchTree.Delete(Root);
    }
}
