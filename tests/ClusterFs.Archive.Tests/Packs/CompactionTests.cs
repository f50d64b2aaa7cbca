using System.Security.Cryptography;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Tests.Packs;

public sealed class CompactionTests : IDisposable
{
    private const int PieceLength = 300;

    /// <summary>A byte of the piece in a pack with no other content, whichever of its blocks, the piece's or the manifest's, was compressed first.</summary>
    private const int InPiece = 200;

    private readonly TestBed _bed = new();

    private string PacksDirectory => Path.Combine(_bed.Archive.Root, "packs");

    [Fact]
    public void Files_stay_few_however_many_dumps_are_taken_and_every_dump_can_be_restored()
    {
        _bed.TakeOver("n1", 1);
        var dumps = new List<DumpRecord>();
        var most = 0;
        using (var content = _bed.Open("n1"))
        {
            for (var i = 0; i < 150; i++)
            {
                _bed.Write("n1", $"page{i % 5}", $"state {i}");
                dumps.Add(Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None)).Record);
                _bed.Archive.Compact(dumps[^1].Slot, CancellationToken.None);
                most = Math.Max(most, Directory.GetFiles(_bed.Archive.Root, "*", SearchOption.AllDirectories).Length);
            }
        }

        Assert.InRange(most, 1, 90);
        foreach (var dump in dumps)
        {
            Assert.Empty(_bed.Archive.Verify(dump.Content, CancellationToken.None).Damages);
        }

        _bed.TakeOver("n2", 2);
        Assert.Equal("state 149", _bed.Read("n2", "page4"));
    }

    [Fact]
    public void Bundles_become_larger_bundles()
    {
        MakePacks(PackCompaction.Width * PackCompaction.Width);
        Compact();
        var file = Assert.Single(Directory.GetFiles(PacksDirectory));
        Assert.EndsWith(".2.bundle", file, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pack_that_lies_in_two_bundles_is_one_pack()
    {
        var pieces = MakePacks(PackCompaction.Width);
        Compact();
        var bundle = Assert.Single(Directory.GetFiles(PacksDirectory));
        for (var i = 1; i < PackCompaction.Width; i++)
        {
            File.Copy(bundle, Path.Combine(PacksDirectory, $"{Guid.NewGuid():N}.1.bundle"));
        }

        Assert.Equal(PackCompaction.Width, Compact());
        Assert.InRange(new FileInfo(Assert.Single(Directory.GetFiles(PacksDirectory))).Length, 1, PackCompaction.Width * 1000);
        using var reader = _bed.Archive.NewReader();
        Assert.All(pieces, piece => Assert.Equal(piece.Length, reader.Read(piece, "it").Length));
    }

    [Fact]
    public void A_reader_that_began_before_goes_on_after()
    {
        var content = MakePacks(PackCompaction.Width);
        using var reader = _bed.Archive.NewReader();
        _ = reader.Read(content[0], "it");
        Compact();
        Assert.All(content, piece => Assert.Equal(piece.Length, reader.Read(piece, "it").Length));
    }

    [Fact]
    public void A_damaged_pack_stays_by_itself_and_keeps_no_other_from_being_bundled()
    {
        var pieces = MakePacks(PackCompaction.Width + 1);
        var damaged = _bed.Archive.Layout.Pack(pieces[3].Pack.ToString());
        TestBed.FlipBit(damaged, InPiece);
        Assert.Equal(PackCompaction.Width, Compact());
        Assert.Equal([damaged], Directory.GetFiles(PacksDirectory, "*.pack"));
        using var reader = _bed.Archive.NewReader();
        Assert.All(pieces.Where((_, i) => i != 3), piece => Assert.Equal(piece.Length, reader.Read(piece, "it").Length));
        Assert.Contains(damaged, Assert.Throws<DamagedArchiveException>(() => reader.Read(pieces[3], "it")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_bundle_is_named_and_the_others_are_read()
    {
        var lost = MakePacks(PackCompaction.Width);
        Compact();
        var bundle = Assert.Single(Directory.GetFiles(PacksDirectory));
        var kept = MakePacks(PackCompaction.Width);
        Compact();
        TestBed.FlipBit(bundle, new FileInfo(bundle).Length - 10);
        using var reader = new ServiceArchive(_bed.Shared, TestBed.Service) { Patience = TimeSpan.Zero }.NewReader();
        Assert.All(kept, piece => Assert.Equal(piece.Length, reader.Read(piece, "it").Length));
        Assert.Contains(bundle, Assert.Throws<DamagedArchiveException>(() => reader.Read(lost[0], "it")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_bundle_has_taken_in_is_deleted_by_the_next_that_bundles()
    {
        MakePacks(PackCompaction.Width);
        var copy = Directory.CreateDirectory(_bed.Scratch("copy")).FullName;
        foreach (var file in Directory.GetFiles(PacksDirectory))
        {
            File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        Compact();
        foreach (var file in Directory.GetFiles(copy))
        {
            File.Copy(file, Path.Combine(PacksDirectory, Path.GetFileName(file)));
        }

        Assert.Equal(0, Compact());
        Assert.Single(Directory.GetFiles(PacksDirectory));
    }

    [Fact]
    public async Task A_pack_that_is_out_of_sight_for_a_moment_is_waited_for()
    {
        var piece = MakePacks(1)[0];
        var file = Assert.Single(Directory.GetFiles(PacksDirectory));
        File.Move(file, _bed.Scratch("hidden"));
        using var reader = new ServiceArchive(_bed.Shared, TestBed.Service).NewReader();
        var reading = Task.Run(() => reader.Read(piece, "it"));
        Assert.NotSame(reading, await Task.WhenAny(reading, Task.Delay(TimeSpan.FromMilliseconds(300))));
        File.Move(_bed.Scratch("hidden"), file);
        Assert.Equal(piece.Length, (await reading).Length);
    }

    public void Dispose() => _bed.Dispose();

    private int Compact() => new PackCompaction(_bed.Archive.Layout, new PackStore(_bed.Archive.Layout)).Run(CancellationToken.None);

    private List<Piece> MakePacks(int count)
    {
        _bed.Archive.Layout.CreateDirectories();
        var pieces = new List<Piece>();
        for (var i = 0; i < count; i++)
        {
            using var pack = new PackWriter(_bed.Archive.Layout, Guid.NewGuid().ToString("N"));
            pieces.Add(pack.Add(RandomNumberGenerator.GetBytes(PieceLength)));
            pack.Publish("{}"u8, CancellationToken.None);
        }

        return pieces;
    }
}
