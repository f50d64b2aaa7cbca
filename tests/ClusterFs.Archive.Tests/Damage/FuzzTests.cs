using System.Security.Cryptography;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Retention;
using CsCheck;

namespace ClusterFs.Archive.Tests.Damage;

/// <summary>
/// Any file of an archive, and of what a node keeps beside its live content, with anything in it: what was stored comes out, or an error that is
/// meant for it, and never anything else.
/// </summary>
public sealed class FuzzTests : IDisposable
{
    private static readonly Gen<Mutation> Mutations = Gen.Select(
        Gen.Enum<Kind>(), Gen.Int[0, 1_000_000], Gen.Double[0, 1], Gen.Byte, Gen.Int[1, 200], (kind, file, at, value, length) => new Mutation(kind, file, at, value, length));

    private readonly TestBed _bed = new();
    private readonly string _head;
    private readonly string _list;
    private readonly DumpRecord _newest;

    public FuzzTests()
    {
        _bed.TakeOver("n1", 1);
        Directory.CreateDirectory(_bed.Live("n1"));
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "large"), RandomNumberGenerator.GetBytes(ContentCapture.MaxWhole + 70_000));
        for (var i = 0; i < 40; i++)
        {
            _bed.Write("n1", $"directory/page{i % 7}", $"state {i}");
            _bed.Dump("n1", 1);
        }

        _bed.Write("n1", "never dumped", "lost");
        _bed.TakeOver("n2", 2);
        _bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None));
        _bed.Write("n2", "page", "by n2");
        _newest = _bed.Dump("n2", 2);
        _bed.Archive.Compact(_newest.Slot, CancellationToken.None);
        _head = TestBed.Describe(_bed.Live("n2"));
        _list = Words(_bed.Archive);
        _bed.On("n3", content => content.Follow(0, null, CancellationToken.None));
    }

    public enum Kind
    {
        Flip,
        Truncate,
        Overwrite,
        Repeat,
        Append,
        Empty,
    }

    /// <summary>Bundles, runs of slots, slots, packs and records of kept content: each kind is there, or the tests below would show nothing.</summary>
    [Fact]
    public void Every_format_of_the_archive_is_there()
    {
        var names = FilesOf(_bed.Archive.Root).Select(file => Path.GetRelativePath(_bed.Archive.Root, file)).ToList();
        Assert.Contains(names, name => name.EndsWith(BundleFormat.Extension, StringComparison.Ordinal));
        Assert.Contains(names, name => name.EndsWith(BundleFormat.PackExtension, StringComparison.Ordinal));
        Assert.Contains(names, name => name.StartsWith("divergent/", StringComparison.Ordinal));
        Assert.Contains(names, name => name.StartsWith("log/", StringComparison.Ordinal) && name.Contains('-', StringComparison.Ordinal));
        Assert.Contains(names, name => name == $"log/{SlotLog.Name(_newest.Slot)}");
    }

    [Fact]
    public void Readers_of_a_damaged_archive_say_so_or_read_what_was_written() => Mutations.Sample(
        mutation =>
        {
            var files = FilesOf(_bed.Archive.Root);
            var file = files[mutation.File % files.Count];
            var before = File.ReadAllBytes(file);
            File.WriteAllBytes(file, mutation.Of(before));
            var archive = Archive(_bed.Shared);
            var target = _bed.Scratch(Guid.NewGuid().ToString("N"));
            Attempt(() => Assert.Equal(_list, Words(archive)));
            Attempt(() => archive.ListDivergent(CancellationToken.None).SelectMany(kept => archive.Compare(kept, CancellationToken.None)).Count());
            Attempt(() => archive.Verify(_newest.Content, CancellationToken.None));
            Attempt(() => archive.ExportTar(_newest.Content, Stream.Null, CancellationToken.None));
            Attempt(() =>
            {
                archive.RestoreTo(_newest.Content, target, null, CancellationToken.None);
                Assert.Equal(_head, TestBed.Describe(target));
            });

            File.WriteAllBytes(file, before);
            if (Directory.Exists(target))
            {
                Directory.Delete(target, recursive: true);
            }
        },
        iter: 250,
        threads: 1);

    /// <summary>The upkeep may find nothing to do, and must not make of a damaged file a damaged dump.</summary>
    [Fact]
    public void The_upkeep_of_a_damaged_archive_loses_nothing_that_was_whole() => Mutations.Sample(
        mutation =>
        {
            using var copies = new Copies(_bed);
            var shared = copies.Of(_bed.Shared);
            var archive = Archive(shared);
            var files = FilesOf(archive.Root);
            var file = files[mutation.File % files.Count];
            File.WriteAllBytes(file, mutation.Of(File.ReadAllBytes(file)));
            var intact = Intact(archive);

            Attempt(() => archive.Compact(_newest.Slot, CancellationToken.None));
            Attempt(() => archive.Prune(new RetentionPolicy(1000, 0, 0, 0, 0, 0), 1, CancellationToken.None));

            Assert.Equal(intact, Intact(Archive(shared)));
        },
        iter: 30,
        threads: 1);

    [Theory]
    [InlineData("n1")]
    [InlineData("n2")]
    [InlineData("n3")]
    public void A_takeover_beside_damaged_files_of_the_node_starts_on_the_head_or_not_at_all(string node) => Mutations.Sample(
        mutation =>
        {
            using var copies = new Copies(_bed);
            var (shared, local) = (copies.Of(_bed.Shared), copies.Of(Path.Combine(_bed.Root, node)));
            var files = FilesOf(Path.Combine(local, ".live.clusterfs")).Where(file => !file.Contains("/standby/tree/", StringComparison.Ordinal)).ToList();
            var file = files[mutation.File % files.Count];
            File.WriteAllBytes(file, mutation.Of(File.ReadAllBytes(file)));
            Attempt(() =>
            {
                using var content = LocalContent.Open(Archive(shared), Path.Combine(local, "live"), node, CaptureMode.Auto);
                Assert.IsType<TakeOverResult.Ready>(content.TakeOver(3, null, CancellationToken.None));
                Assert.Equal(_head, TestBed.Describe(Path.Combine(local, "live")));
                Assert.IsType<DumpResult.Unchanged>(content.Dump(3, CancellationToken.None));
            });
        },
        iter: 20,
        threads: 1);

    public void Dispose() => _bed.Dispose();

    private static ServiceArchive Archive(string shared)
    {
        var archive = new ServiceArchive(shared, TestBed.Service);
        return new ServiceArchive(shared, TestBed.Service)
        {
            Patience = TimeSpan.Zero,
            PruneGrace = TimeSpan.Zero,
            Log = new SlotLog(archive.Layout, TestBed.Service) { Patience = TimeSpan.Zero },
        };
    }

    private static string Words(ServiceArchive archive) => string.Join(
        '\n', archive.List(CancellationToken.None).Select(record => record.ToString()).Concat(archive.ListDivergent(CancellationToken.None).Select(kept => kept.ToString())));

    private static List<string> FilesOf(string directory) =>
        [.. Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories).Where(file => new FileInfo(file).Length > 0).Order(StringComparer.Ordinal)];

    private static void Attempt(Action action)
    {
        try
        {
            action();
        }
        catch (ArchiveException)
        {
            // Meant for it.
        }
    }

    private static void Attempt<T>(Func<T> action) => Attempt(() => { _ = action(); });

    /// <summary>Slots of the dumps that can be read whole; none where the log itself is damaged.</summary>
    private static List<long> Intact(ServiceArchive archive)
    {
        var intact = new List<long>();
        Attempt(() => intact.AddRange(archive.List(CancellationToken.None)
            .OfType<DumpRecord>()
            .Where(dump => archive.Verify(dump.Content, CancellationToken.None).Damages.Count == 0)
            .Select(dump => dump.Slot)));
        return intact;
    }

    /// <summary>Copies of trees, each of which is used once.</summary>
    private sealed class Copies(TestBed bed) : IDisposable
    {
        private readonly string _directory = Directory.CreateDirectory(bed.Scratch(Guid.NewGuid().ToString("N"))).FullName;

        public string Of(string tree)
        {
            var to = Path.Combine(_directory, Path.GetFileName(tree));
            using var copy = System.Diagnostics.Process.Start("cp", ["-a", tree, to]);
            copy.WaitForExit();
            Assert.Equal(0, copy.ExitCode);
            return to;
        }

        public void Dispose() => Directory.Delete(_directory, recursive: true);
    }

    /// <param name="File">Which one, modulo how many there are.</param>
    /// <param name="At">Where in the file, as a part of its length.</param>
    private sealed record Mutation(Kind Kind, int File, double At, byte Value, int Length)
    {
        public byte[] Of(byte[] bytes)
        {
            var at = (int)(At * (bytes.Length - 1));
            var length = Math.Min(Length, bytes.Length - at);
            switch (Kind)
            {
                case Kind.Flip:
                    return [.. bytes[..at], (byte)(bytes[at] ^ (Value | 1)), .. bytes[(at + 1)..]];
                case Kind.Truncate:
                    return bytes[..at];
                case Kind.Overwrite:
                    return [.. bytes[..at], .. Enumerable.Repeat(Value, length), .. bytes[(at + length)..]];
                case Kind.Repeat:
                    return [.. bytes[..at], .. bytes[at..(at + length)], .. bytes[at..]];
                case Kind.Append:
                    return [.. bytes, .. Enumerable.Repeat(Value, length)];
                default:
                    return [];
            }
        }
    }
}
