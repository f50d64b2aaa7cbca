using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using ClusterFs.Archive;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Benchmarks;

/// <summary>The loops in which dumps and restores spend their time, one by one.</summary>
internal static class LoopsBench
{
    public static int Run(string scratch)
    {
        Environment.SetEnvironmentVariable(Loops.ScratchVariable, scratch);
        var config = ManualConfig.CreateEmpty()
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance))
            .AddColumnProvider(DefaultColumnProviders.Instance)
            .AddLogger(ConsoleLogger.Default)
            .WithArtifactsPath(scratch);
        var summary = BenchmarkRunner.Run<Loops>(config);
        return summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success) ? 1 : 0;
    }
}

/// <summary>Each works on so much as its name says: one block, one leaf, so many entries, so many extents.</summary>
public class Loops : IDisposable
{
    /// <summary>The environment variable that names a directory to write packs in.</summary>
    public const string ScratchVariable = "CLUSTERFS_BENCH_SCRATCH";

    private const int Entries = 512;
    private const int Extents = 20_000;
    private const int Page = PageMap.PageSize;

    private readonly byte[] _leaf = new byte[PageMap.LeafSize];
    private readonly byte[] _block = new byte[PackFormat.BlockSize];
    private readonly byte[] _frame = new byte[BlockCompressor.Bound(PackFormat.BlockSize)];
    private readonly UInt128[] _hashes = new UInt128[PageMap.LeafPages];
    private readonly ByteWriter _bytes = new();
    private readonly PackTable _packs = new();
    private readonly List<FileExtent> _before = [];
    private readonly List<FileExtent> _now = [];
    private ManifestEntry[] _entries = [];
    private ArchiveLayout _layout = null!;
    private PackReader _reader = null!;
    private Piece[] _pieces = [];
    private PackId[] _entryPacks = [];
    private int _frameLength;

    /// <summary>Makes what the loops work on.</summary>
    [GlobalSetup]
    public void Prepare()
    {
        var random = new Random(1);
        for (var page = 0; page < _leaf.Length; page += Page)
        {
            random.NextBytes(_leaf.AsSpan(page, Page / 3));
        }

        _leaf.AsSpan(0, _block.Length).CopyTo(_block);
        _frameLength = BlockCompressor.Compress(_block, _frame);
        var pack = PackId.Parse(NewNonce());
        _entries = [.. Enumerable.Range(0, Entries).Select(i => new ManifestEntry($"user{i / 64:D2}/cur/{1_700_000_000 + i}.M{i:D6}.host", FileKind.File, 0x180, 1000, 1000, i)
        {
            Content = new FileContent(5000 + i, Digest.Of(BitConverter.GetBytes(i))) { Root = new Piece(pack, i / 100, i, 5000 + i) },
        })];
        Encode();
        _entryPacks = [pack];
        for (var i = 0; i < Extents; i++)
        {
            _before.Add(new FileExtent(i * 16L * Page, i * 64L * Page, 16 * Page, true));
            _now.Add(_before[^1] with { Physical = i % 8 == 0 ? i * 64L * Page + Page : _before[^1].Physical });
        }

        var shared = Path.Combine(Environment.GetEnvironmentVariable(ScratchVariable)!, "shared");
        ServiceArchive.Initialize(shared);
        var archive = new ServiceArchive(shared, "loops");
        _layout = archive.Layout;
        _layout.CreateDirectories();
        using var writer = archive.NewPack(NewNonce());
        _pieces = [.. Enumerable.Range(0, 128).Select(_ => writer.Add(_block.AsSpan()))];
        writer.Publish([1], CancellationToken.None);
        _reader = archive.NewReader();
    }

    /// <summary>Closes what was opened.</summary>
    [GlobalCleanup]
    public void Dispose()
    {
        _reader.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>XxHash128 of the pages of 4 MiB.</summary>
    [Benchmark]
    public void HashLeaf() => PageHash.Of(_leaf, 1, _hashes);

    /// <summary>zstd of 1 MiB.</summary>
    [Benchmark]
    public int CompressBlock() => BlockCompressor.Compress(_block, _frame);

    /// <summary>The same back.</summary>
    [Benchmark]
    public int DecompressBlock() => BlockCompressor.Decompress(_frame.AsSpan(0, _frameLength), _block);

    /// <summary>A pack of 16 MiB: compressed, hashed, written, synced, read back, published.</summary>
    [Benchmark]
    public void WritePack()
    {
        using var writer = new PackWriter(_layout, NewNonce());
        for (var i = 0; i < 16; i++)
        {
            writer.Add(_block);
        }

        writer.Publish([1], CancellationToken.None);
    }

    /// <summary>128 MiB out of a pack, block by block: more than is kept at hand.</summary>
    [Benchmark]
    public void ReadPack()
    {
        foreach (var piece in _pieces)
        {
            _reader.Read(piece, _block, "a block");
        }
    }

    /// <summary>512 entries of a manifest.</summary>
    [Benchmark]
    public int Encode()
    {
        _bytes.Clear();
        _packs.Clear();
        var before = string.Empty;
        foreach (var entry in _entries)
        {
            EntryFormat.Write(_bytes, _packs, entry, before);
            before = entry.Path;
        }

        return _bytes.Length;
    }

    /// <summary>The same back.</summary>
    [Benchmark]
    public int Decode()
    {
        var source = new ByteReader(_bytes.Written);
        var before = string.Empty;
        var files = 0;
        while (!source.AtEnd)
        {
            var entry = EntryFormat.Read(ref source, _entryPacks, before);
            before = entry.Path;
            files++;
        }

        return files;
    }

    /// <summary>The maps of two files with 20,000 extents each.</summary>
    [Benchmark]
    public bool CompareExtents() => UnchangedRanges.Between(_before, _now, Extents * 16L * Page, []).NotIn(16 * Page, 17 * Page) is [];

    private static string NewNonce() => Guid.NewGuid().ToString("N");
}
