using System.Security.Cryptography;
using System.Text;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Retention;

namespace ClusterFs.Archive.Tests.Packs;

public sealed class EncryptionTests : IDisposable
{
    private const string Secret = "xq7-nobody-may-read-this";
    private readonly TestBed _bed = new();
    private readonly string _first = NewKey();
    private readonly string _second = NewKey();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Neither_contents_nor_names_lie_in_the_archive_unless_it_is_not_encrypted(bool encrypted)
    {
        Write($"{Secret}-name", Secret + "-content");
        Directory.CreateSymbolicLink(Path.Combine(_bed.Live("n1"), "link"), Secret + "-target");
        var archive = ArchiveWith(encrypted ? [_first] : []);
        Open(archive, content =>
        {
            content.TakeOver(1, null, CancellationToken.None);
            return content.Dump(1, CancellationToken.None);
        });

        var found = Directory.EnumerateFiles(_bed.Shared, "*", SearchOption.AllDirectories)
            .Count(file => File.ReadAllBytes(file).AsSpan().IndexOf(Encoding.UTF8.GetBytes(Secret)) >= 0);
        Assert.Equal(encrypted ? 0 : 1, found);
    }

    [Fact]
    public void It_is_restored_with_the_key_and_refused_with_another_or_none()
    {
        Write("page", Secret);
        WriteRandom("large", 9 << 20);
        var dump = Dump(ArchiveWith(_first));

        ArchiveWith(_second, _first).RestoreTo(dump.Content, _bed.Scratch("out"), null, CancellationToken.None);
        Assert.Equal(TestBed.Describe(_bed.Live("n1")), TestBed.Describe(_bed.Scratch("out")));

        var other = Assert.Throws<ArchiveKeyException>(() => ArchiveWith(_second).RestoreTo(dump.Content, _bed.Scratch("no"), null, CancellationToken.None));
        Assert.Contains("is encrypted with key ", other.Message, StringComparison.Ordinal);
        var none = Assert.Throws<ArchiveKeyException>(() => ArchiveWith().RestoreTo(dump.Content, _bed.Scratch("no"), null, CancellationToken.None));
        Assert.Contains("shared.key-file", none.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_bed.Scratch("no")));
    }

    [Fact]
    public void Under_a_new_first_key_all_is_stored_anew_and_the_old_key_is_needed_for_old_dumps_alone()
    {
        WriteRandom("large", 9 << 20);
        Write("page", "never changed");
        var old = Dump(ArchiveWith(_first));
        Assert.IsType<DumpResult.Unchanged>(Open(ArchiveWith(_first), content => content.Dump(1, CancellationToken.None)));

        var both = ArchiveWith(_second, _first);
        var anew = Assert.IsType<DumpResult.Committed>(Open(both, content => content.Dump(1, CancellationToken.None))).Record;
        Assert.IsType<DumpResult.Unchanged>(Open(both, content => content.Dump(1, CancellationToken.None)));

        Assert.Empty(ArchiveWith(_second).Verify(anew.Content, CancellationToken.None).Damages);
        Assert.Throws<ArchiveKeyException>(() => ArchiveWith(_second).Verify(old.Content, CancellationToken.None));
        Assert.Empty(both.Verify(old.Content, CancellationToken.None).Damages);
    }

    [Fact]
    public void Encryption_that_is_switched_on_later_stores_all_anew()
    {
        Write("page", Secret);
        Dump(ArchiveWith());
        var dump = Assert.IsType<DumpResult.Committed>(Open(ArchiveWith(_first), content => content.Dump(1, CancellationToken.None))).Record;
        Assert.Equal(-1, File.ReadAllBytes(_bed.PackOf(dump.Content)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(Secret)));
    }

    [Fact]
    public void Nothing_in_the_clear_is_added_to_an_encrypted_archive()
    {
        Write("page", "one");
        Dump(ArchiveWith(_first));
        Write("page", Secret);

        Assert.Throws<ArchiveKeyException>(() => Open(ArchiveWith(), content => content.Dump(1, CancellationToken.None)));
        Assert.Single(Directory.GetFiles(Path.Combine(_bed.Archive.Root, "packs")));
    }

    [Fact]
    public void Flipped_bits_are_found_and_named_and_never_restored()
    {
        Write("page", Secret);
        var archive = ArchiveWith(_first);
        var dump = Dump(archive);
        var pack = _bed.PackOf(dump.Content);
        var length = new FileInfo(pack).Length;
        for (var offset = 0; offset < length; offset++)
        {
            TestBed.FlipBit(pack, offset);
            var target = _bed.Scratch($"out{offset}");
            try
            {
                archive.RestoreTo(dump.Content, target, null, CancellationToken.None);
                Assert.Equal(Secret, File.ReadAllText(Path.Combine(target, "page")));
            }
            catch (Exception error) when (error is DamagedArchiveException or ArchiveKeyException)
            {
                Assert.Contains(pack, error.Message, StringComparison.Ordinal);
            }

            TestBed.FlipBit(pack, offset);
        }
    }

    /// <summary>Whoever can write the storage can give a block the place and the hash of another.</summary>
    [Fact]
    public void A_block_counts_only_in_its_own_place_and_pack()
    {
        var key = ArchiveWith(_first).Keys!.First;
        var cipher = new PackCipher(key, PackId.Parse(new string('a', 32)));
        var block = new byte[100 + PackCipher.Overhead];
        var bytes = RandomNumberGenerator.GetBytes(100);
        bytes.CopyTo(PackCipher.Inside(block));
        Assert.Equal(block.Length, cipher.Seal(7, block, 100));

        Assert.Equal(bytes, cipher.TryOpen(7, block.ToArray())!.Value.ToArray());
        Assert.Equal(bytes, cipher.TryOpen(null, block.ToArray())!.Value.ToArray());
        Assert.Null(cipher.TryOpen(8, block.ToArray()));
        Assert.Null(new PackCipher(key, PackId.Parse(new string('b', 32))).TryOpen(7, block.ToArray()));
        block[0]++;
        Assert.Null(cipher.TryOpen(8, block));
    }

    [Fact]
    public void Files_are_put_together_without_the_key_and_pruned_with_it()
    {
        var archive = ArchiveWith(_first);
        var dumps = new List<DumpRecord>();
        for (var i = 0; i < 70; i++)
        {
            Write("page", $"state {i}");
            dumps.Add(Dump(archive));
        }

        ArchiveWith().Compact(dumps[^1].Slot, CancellationToken.None);
        Assert.InRange(Directory.GetFiles(Path.Combine(archive.Root, "packs")).Length, 1, 40);
        var before = _bed.PackBytes();
        var report = ArchiveWith(_first).Prune(new RetentionPolicy(2, 0, 0, 0, 0, 0), 1, CancellationToken.None);
        Assert.Equal(68, report.Dumps);
        Assert.True(_bed.PackBytes() < before);
        Assert.All(dumps[^2..], dump => Assert.Empty(archive.Verify(dump.Content, CancellationToken.None).Damages));
    }

    [Fact]
    public void Content_outside_the_line_is_encrypted_too()
    {
        Write("page", "dumped");
        var archive = ArchiveWith(_first);
        Dump(archive);
        Write("page", Secret);
        using (var other = LocalContent.Open(archive, _bed.Live("n2"), "n2", CaptureMode.Auto))
        {
            other.TakeOver(2, null, CancellationToken.None);
        }

        var kept = Open(archive, content => content.KeepDivergent("test", CancellationToken.None))!;
        Assert.Equal(-1, File.ReadAllBytes(_bed.PackOf(kept.Content)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(Secret)));
        archive.RestoreTo(kept.Content, _bed.Scratch("out"), null, CancellationToken.None);
        Assert.Equal(Secret, File.ReadAllText(Path.Combine(_bed.Scratch("out"), "page")));
    }

    /// <summary>Adopted, it is the head of the line; and by then the old key may be gone with the last dump under it.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Content_outside_the_line_needs_no_other_key_than_that_it_was_kept_under(bool wasEncrypted)
    {
        Write("page", Secret);
        WriteRandom("large", 9 << 20);
        Dump(ArchiveWith(wasEncrypted ? [_first] : []));
        Write("other", "never dumped");
        var both = ArchiveWith(wasEncrypted ? [_second, _first] : [_second]);
        using (var other = LocalContent.Open(both, _bed.Live("n2"), "n2", CaptureMode.Auto))
        {
            other.TakeOver(2, null, CancellationToken.None);
        }

        var kept = Open(both, content => content.KeepDivergent("test", CancellationToken.None))!;

        var packs = new PackReferences(both.NewReader(), TestBed.Service);
        packs.Add(kept.Content, CancellationToken.None);
        Assert.Equal(kept.Content.Manifest.Pack, Assert.Single(packs.Packs).ToString());
        Assert.Empty(ArchiveWith(_second).Verify(kept.Content, CancellationToken.None).Damages);
    }

    [Theory]
    [InlineData("", "holds no key. 'openssl rand -hex 32' makes one.")]
    [InlineData("# a key\n\nabc\n", "line 3 is no key: expected 64 hexadecimal digits, such as 'openssl rand -hex 32' prints.")]
    public void A_file_without_keys_is_refused(string text, string problem)
    {
        var file = KeyFile(text);
        var error = Assert.Throws<ArchiveKeyException>(() => ArchiveKeys.Read(file));
        Assert.EndsWith(problem, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_others_can_read_is_refused_and_so_is_one_that_is_not_there()
    {
        var file = KeyFile(_first);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.GroupRead);
        Assert.Contains($"chmod 600 {file}", Assert.Throws<ArchiveKeyException>(() => ArchiveKeys.Read(file)).Message, StringComparison.Ordinal);
        Assert.Throws<ArchiveKeyException>(() => ArchiveKeys.Read(_bed.Scratch("none")));
    }

    public void Dispose() => _bed.Dispose();

    private static string NewKey() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    private string KeyFile(string text)
    {
        var file = _bed.Scratch(Guid.NewGuid().ToString("N"));
        File.WriteAllText(file, text);
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return file;
    }

    private ServiceArchive ArchiveWith(params string[] keys) => new(_bed.Shared, TestBed.Service)
    {
        Patience = TimeSpan.Zero,
        PruneGrace = TimeSpan.Zero,
        Keys = keys.Length == 0 ? null : ArchiveKeys.Read(KeyFile(string.Join('\n', keys))),
    };

    private void Write(string path, string text) => _bed.Write("n1", path, text);

    private void WriteRandom(string path, int length)
    {
        _bed.Write("n1", path, string.Empty);
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), path), RandomNumberGenerator.GetBytes(length));
    }

    private T Open<T>(ServiceArchive archive, Func<LocalContent, T> action)
    {
        using var content = LocalContent.Open(archive, _bed.Live("n1"), "n1", CaptureMode.Auto);
        return action(content);
    }

    private DumpRecord Dump(ServiceArchive archive) => Assert.IsType<DumpResult.Committed>(Open(archive, content =>
    {
        if (content.Epoch is null)
        {
            content.TakeOver(1, null, CancellationToken.None);
        }

        return content.Dump(1, CancellationToken.None);
    })).Record;
}
