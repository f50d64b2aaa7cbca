using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;
using CsCheck;

namespace ClusterFs.Archive.Tests.Packs;

public sealed class RoundTripTests : IDisposable
{
    private static readonly string[] Names =
        ["a", "b.txt", "-rf", "two words", " lead", "trail ", "line\nbreak", "quote\"'", "back\\slash", "ümläut", "日本", "*?[x]", "~", "a-wal", "\t", "💾"];

    private readonly TestBed _bed = new();

    [Fact]
    public void Any_tree_comes_back_byte_for_byte()
    {
        var run = 0;
        GenTree.Sample(
            tree =>
            {
                using var bed = new TestBed();
                Build(bed.Live("n1"), tree);
                bed.TakeOver("n1", 1);
                var dump = bed.Dump("n1", 1);
                bed.Archive.RestoreTo(dump.Content, bed.Scratch("out"), null, CancellationToken.None);
                Assert.Equal(TestBed.Describe(bed.Live("n1")), TestBed.Describe(bed.Scratch("out")));
                Assert.Empty(bed.Archive.Verify(dump.Content, CancellationToken.None).Damages);
                bed.TakeOver("n2", 2);
                Assert.Equal(TestBed.Describe(bed.Live("n1")), TestBed.Describe(bed.Live("n2")));
                Assert.Equal(tree.Length == 0 ? ContentBasis.Restored : ContentBasis.EqualToHead, bed.TakeOver("n1", 3).Basis);
                run++;
            },
            iter: 60,
            threads: 1);
        Assert.True(run >= 60);
    }

    [Fact]
    public void A_content_of_many_blocks_comes_back()
    {
        var bytes = new byte[(3 * PageMap.LeafSize) + 12345];
        new Random(3).NextBytes(bytes.AsSpan(0, bytes.Length / 2));
        var dump = DumpOf("big", bytes);
        Assert.True(Assert.Single(_bed.Archive.ReadEntries(dump.Content)).Content!.Paged);
        var reports = new List<long>();
        _bed.Archive.RestoreTo(dump.Content, _bed.Scratch("out"), new Listener(reports), CancellationToken.None);
        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(_bed.Scratch("out"), "big")));
        Assert.Equal(bytes.Length, reports[^1]);
    }

    /// <summary>A few bits of the table's zstd frame mean nothing; a flip of those restores the right bytes.</summary>
    [Fact]
    public void Flipped_bits_of_a_pack_are_found_and_named_and_never_restored()
    {
        var bytes = RandomNumberGenerator.GetBytes(300);
        var dump = DumpOf("page", bytes);
        var pack = _bed.PackOf(dump.Content);
        var length = new FileInfo(pack).Length;
        var found = 0;
        for (var offset = 0; offset < length; offset++)
        {
            TestBed.FlipBit(pack, offset);
            var target = _bed.Scratch($"out{offset}");
            try
            {
                _bed.Archive.RestoreTo(dump.Content, target, null, CancellationToken.None);
                Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(target, "page")));
            }
            catch (DamagedArchiveException error)
            {
                Assert.Equal(pack, error.File);
                found++;
                Assert.NotEmpty(_bed.Archive.Verify(dump.Content, CancellationToken.None).Damages);
            }

            TestBed.FlipBit(pack, offset);
        }

        Assert.InRange(found, length - 8, length);
        Assert.Empty(_bed.Archive.Verify(dump.Content, CancellationToken.None).Damages);
    }

    [Fact]
    public void A_sound_frame_that_is_not_the_content_asked_for_is_found()
    {
        _bed.Archive.Layout.CreateDirectories();
        var nonce = Guid.NewGuid().ToString("N");
        using var pack = new PackWriter(_bed.Archive.Layout, nonce);
        var asked = new FileContent(3, Digest.Of([1, 2, 4])) { Root = pack.Add([1, 2, 3]) };
        var content = Publish(pack, [Entry("page") with { Content = asked }]);

        var error = Assert.Throws<DamagedArchiveException>(() => _bed.Archive.RestoreTo(content, _bed.Scratch("out"), null, CancellationToken.None));

        Assert.Contains("page", error.Message, StringComparison.Ordinal);
        Assert.Throws<DamagedArchiveException>(() => _bed.Archive.ExportTar(content, Stream.Null, CancellationToken.None));
    }

    [Fact]
    public void A_block_that_was_expected_is_at_hand_and_one_that_is_damaged_fails_only_who_reads_it()
    {
        var dump = DumpOf("big", RandomNumberGenerator.GetBytes(3 * PackFormat.BlockSize));
        var pack = PackId.Parse(dump.Content.Manifest.Pack);
        TestBed.FlipBit(_bed.PackOf(dump.Content), (5 * PackFormat.BlockSize) / 2);

        // Blocks lie as they were done, not by their numbers.
        var damaged = Assert.Single(Enumerable.Range(0, 3), IsDamaged);
        var sound = Enumerable.Range(0, 3).Where(block => block != damaged).ToList();
        using var reader = _bed.Archive.NewReader();
        Assert.False(reader.Expect(pack, sound[0], "another's"));
        ReadFrom(reader, sound[0]);
        var before = reader.BytesRead;

        Assert.True(reader.Expect(pack, sound[1], "another's"));
        Assert.False(reader.Expect(pack, sound[1], "another's"));
        Await.That(() => reader.BytesRead >= before + PackFormat.BlockSize, "the expected block is read");
        var after = reader.BytesRead;
        ReadFrom(reader, sound[1]);
        Assert.Equal(after, reader.BytesRead);

        Assert.True(reader.Expect(pack, damaged, "another's"));
        Await.That(() => reader.BytesRead >= after + PackFormat.BlockSize, "the damaged block is read");
        ReadFrom(reader, sound[0]);
        Await.That(() => DamageOf(reader, damaged)?.Contains("with mine", StringComparison.Ordinal) == true, "that it failed is forgotten");
        Assert.False(reader.Expect(pack, -1, "another's"));
        Assert.False(reader.Expect(pack, 1000, "another's"));

        void ReadFrom(PackReader from, int block) => from.Read(new Piece(pack, block, 0, 1), new byte[1], "mine");

        string? DamageOf(PackReader from, int block)
        {
            try
            {
                ReadFrom(from, block);
                return null;
            }
            catch (DamagedArchiveException damage)
            {
                return damage.Message;
            }
        }

        bool IsDamaged(int block)
        {
            using var own = _bed.Archive.NewReader();
            return DamageOf(own, block) is not null;
        }
    }

    [Fact]
    public void A_missing_pack_is_named()
    {
        var dump = DumpOf("page", [1, 2, 3]);
        File.Delete(_bed.PackOf(dump.Content));
        var error = Assert.Throws<DamagedArchiveException>(() => _bed.Archive.ReadEntries(dump.Content).ToList());
        Assert.Equal(_bed.PackOf(dump.Content), error.File);
    }

    [Fact]
    public void A_damaged_head_leaves_the_local_content_as_it_was()
    {
        var dump = DumpOf("page", RandomNumberGenerator.GetBytes(5000));
        TestBed.FlipBit(_bed.PackOf(dump.Content), 2000);
        _bed.Write("n2", "page", "local");
        Assert.Throws<DamagedArchiveException>(() => _bed.TakeOver("n2", 2));
        Assert.Equal("local", _bed.Read("n2", "page"));
    }

    [Fact]
    public void Tar_reads_an_export()
    {
        Directory.CreateDirectory(Path.Combine(_bed.Live("n1"), "empty dir"));
        _bed.Write("n1", "sub/ümläut file", "content");
        _bed.Write("n1", "nothing", string.Empty);
        _bed.Write("n1", new string('l', 150) + "/" + new string('n', 150), "long name");
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "big"), RandomNumberGenerator.GetBytes(PageMap.LeafSize + 7));
        File.CreateSymbolicLink(Path.Combine(_bed.Live("n1"), "link"), "../somewhere/else");
        File.SetUnixFileMode(Path.Combine(_bed.Live("n1"), "nothing"), UnixFileMode.UserRead | UnixFileMode.SetUser);
        foreach (var entry in TreeScan.Scan(_bed.Live("n1"), CancellationToken.None).ToList())
        {
            FileAttribution.SetModified(Path.Combine(_bed.Live("n1"), entry.Path), 1_600_000_000_123_456_700);
        }

        _bed.TakeOver("n1", 1);
        var dump = _bed.Dump("n1", 1);
        var tar = _bed.Scratch("export.tar");
        using (var output = new FileStream(tar, FileMode.CreateNew))
        {
            _bed.Archive.ExportTar(dump.Content, output, CancellationToken.None);
        }

        var extracted = Directory.CreateDirectory(_bed.Scratch("extracted")).FullName;
        using var process = Process.Start("tar", ["-xpf", tar, "-C", extracted]);
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(TestBed.Describe(_bed.Live("n1")), TestBed.Describe(extracted));
    }

    [Fact]
    public void A_restore_goes_to_an_empty_directory_only()
    {
        var dump = DumpOf("page", [1]);
        Directory.CreateDirectory(_bed.Scratch("out"));
        File.WriteAllText(Path.Combine(_bed.Scratch("out"), "mine"), "keep");
        Assert.Throws<LocalContentException>(() => _bed.Archive.RestoreTo(dump.Content, _bed.Scratch("out"), null, CancellationToken.None));
    }

    private static readonly Dictionary<string, ManifestEntry[]> Hostile = new()
    {
        { "parent", [Entry("../evil")] },
        { "parent inside", [Directory_("a"), Entry("a/../../evil")] },
        { "absolute", [Entry("/etc/evil")] },
        { "dot", [Entry(".")] },
        { "empty", [Entry(string.Empty)] },
        { "double slash", [Directory_("a"), Entry("a//b")] },
        { "nul", [Entry("a\0b")] },
        { "through a link", [Entry("link", FileKind.SymbolicLink) with { Target = "/etc" }, Entry("link/passwd")] },
        { "no directory", [Entry("a/b")] },
        { "file as directory", [Entry("a"), Entry("a/b")] },
        { "twice", [Entry("a"), Entry("a")] },
        { "directory turned link", [Directory_("a"), Entry("a", FileKind.SymbolicLink) with { Target = "/etc" }, Entry("a/b")] },
        { "mode", [Entry("a") with { Mode = 0xFFFF }] },
        { "long name", [Entry(new string('x', 256))] },
        { "absurd size", [Entry("a") with { Content = new FileContent(1L << 60, default) { Root = new Piece(PackId.Parse(new string('a', 32)), 0, 0, 1), Paged = true } }] },
        { "piece of another size", [Entry("a") with { Content = new FileContent(2, default) { Root = new Piece(PackId.Parse(new string('a', 32)), 0, 0, 1) } }] },
        { "same as nothing", [Entry("a") with { Content = null, SameAs = "b" }] },
        { "same as outside", [Entry("a") with { Content = null, SameAs = "../../etc/passwd" }] },
        { "same through a link", [Entry("a", FileKind.SymbolicLink) with { Target = "/etc" }, Entry("b") with { Content = null, SameAs = "a/passwd" }] },
        { "not in order", [Entry("b"), Entry("a")] },
    };

    public static TheoryData<string> HostileManifests => [.. Hostile.Keys];

    [Theory]
    [MemberData(nameof(HostileManifests))]
    public void A_hostile_manifest_is_refused_before_anything_is_written(string name)
    {
        var entries = Hostile[name];
        _bed.Archive.Layout.CreateDirectories();
        var nonce = Guid.NewGuid().ToString("N");
        using var pack = new PackWriter(_bed.Archive.Layout, nonce);
        var content = Publish(pack, entries);

        Assert.Throws<HostileManifestException>(() => _bed.Archive.RestoreTo(content, _bed.Scratch("out"), null, CancellationToken.None));
        Assert.Throws<HostileManifestException>(() => _bed.Archive.ExportTar(content, Stream.Null, CancellationToken.None));
        Assert.False(Directory.Exists(_bed.Scratch("out")));
    }

    [Fact]
    public void A_name_that_is_not_utf8_is_refused_with_words()
    {
        Directory.CreateDirectory(_bed.Live("n1"));
        using var process = Process.Start("sh", ["-c", $"touch \"$(printf '{_bed.Live("n1")}/bad\\377name')\""]);
        process.WaitForExit();
        _bed.TakeOver("n1", 1);
        Assert.Contains("UTF-8", Assert.Throws<LocalContentException>(() => _bed.Dump("n1", 1)).Message, StringComparison.Ordinal);
        using var remove = Process.Start("rm", ["-rf", _bed.Live("n1")]);
        remove.WaitForExit();
    }

    public void Dispose() => _bed.Dispose();

    private static Gen<(string Name, int Kind, byte[] Bytes, int Mode, int Depth)[]> GenTree =>
        Gen.Select(Gen.Int[0, Names.Length - 1].Select(i => Names[i]), Gen.Int[0, 5], Gen.Byte.Array[0, 200], Gen.Int[0, 511], Gen.Int[0, 9]).Array[0, 25];

    private static ManifestEntry Entry(string path, FileKind kind = FileKind.File) => new(path, kind, 0x1A4, 0, 0, 0)
    {
        Content = kind == FileKind.File ? new FileContent(0, Digest.Of([])) : null,
    };

    private static StoredContent Publish(PackWriter pack, ManifestEntry[] entries)
    {
        var builder = new ManifestBuilder(pack, new Dictionary<Digest, Piece>());
        foreach (var entry in entries)
        {
            builder.Add(entry);
        }

        var (level, list) = builder.Finish();
        var head = new ManifestRoot(TestBed.Service, pack.Id.ToString(), new RootAttributes(0x1FF, 0, 0), 1, level, list);
        return new StoredContent(pack.Publish(head.Write(), CancellationToken.None), entries.Length, 3, 0, string.Empty);
    }

    private static ManifestEntry Directory_(string path) => Entry(path, FileKind.Directory);

    /// <summary>Files, directories and links, each in one of the directories made before it.</summary>
    private static void Build(string root, (string Name, int Kind, byte[] Bytes, int Mode, int Depth)[] tree)
    {
        Directory.CreateDirectory(root);
        var directories = new List<string> { root };
        var modes = new List<(string Path, int Mode)>();
        foreach (var (name, kind, bytes, mode, depth) in tree)
        {
            var path = Path.Combine(directories[depth % directories.Count], name);
            if (Path.Exists(path) || FileStatus.TryRead(path) is not null)
            {
                continue;
            }

            switch (kind)
            {
                case 0:
                    Directory.CreateDirectory(path);
                    directories.Add(path);
                    break;
                case 1:
                    File.CreateSymbolicLink(path, bytes.Length % 2 == 0 ? "../nowhere" : "/" + name);
                    continue;
                case 2:
                    File.WriteAllBytes(path, new byte[bytes.Length * 100]);
                    break;
                default:
                    File.WriteAllBytes(path, bytes);
                    break;
            }

            if (!Processes.IsRoot && kind != 0)
            {
                continue;
            }

            modes.Add((path, Processes.IsRoot ? mode : mode | 0x1C0));
        }

        modes.Reverse();
        modes.ForEach(pair => FileAttribution.SetMode(pair.Path, (uint)pair.Mode));
    }

    private DumpRecord DumpOf(string name, byte[] bytes)
    {
        Directory.CreateDirectory(_bed.Live("n1"));
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), name), bytes);
        _bed.TakeOver("n1", 1);
        return _bed.Dump("n1", 1);
    }

    private sealed class Listener(List<long> reports) : IProgress<ClusterFs.Archive.Restore.RestoreProgress>
    {
        public void Report(ClusterFs.Archive.Restore.RestoreProgress value) => reports.Add(value.Bytes);
    }
}
