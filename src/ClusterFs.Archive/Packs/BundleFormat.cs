using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace ClusterFs.Archive.Packs;

/// <summary>Where a pack lies in a bundle.</summary>
internal readonly record struct BundledPack(PackId Pack, long Offset, long Length);

/// <summary>A bundle is a header, packs as they were, one after the other, a table of them, and a trailer that points at it.</summary>
internal static class BundleFormat
{
    public const string Extension = ".bundle";
    public const string PackExtension = ".pack";

    /// <summary>Offset and number of rows of the table (64 bits each, little-endian), its SHA-256, and eight bytes of magic.</summary>
    public const int TrailerLength = (2 * sizeof(long)) + 32 + 8;

    private const int RowLength = PackId.Length + (2 * sizeof(long));
    private const int MaxRows = 1 << 20;

    public static ReadOnlySpan<byte> Header => "ClusterFs bundl1"u8;

    private static ReadOnlySpan<byte> Magic => "CFSBUND1"u8;

    /// <summary>The level in NONCE.LEVEL.bundle.</summary>
    public static int LevelOf(string bundle) =>
        int.TryParse(Path.GetFileName(bundle).Split('.')[1], NumberStyles.None, CultureInfo.InvariantCulture, out var level) ? level : 0;

    /// <summary>The pack in NONCE.pack.</summary>
    public static PackId PackOf(string file) => PackId.Parse(Path.GetFileNameWithoutExtension(file));

    public static void WriteTable(FileStream bundle, IReadOnlyList<BundledPack> packs)
    {
        var table = new byte[packs.Count * RowLength];
        for (var i = 0; i < packs.Count; i++)
        {
            var row = table.AsSpan(i * RowLength);
            packs[i].Pack.Write(row);
            BinaryPrimitives.WriteInt64LittleEndian(row[PackId.Length..], packs[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(row[(PackId.Length + sizeof(long))..], packs[i].Length);
        }

        var trailer = new byte[TrailerLength];
        BinaryPrimitives.WriteInt64LittleEndian(trailer, bundle.Position);
        BinaryPrimitives.WriteInt64LittleEndian(trailer.AsSpan(8), packs.Count);
        SHA256.HashData(table, trailer.AsSpan(16));
        Magic.CopyTo(trailer.AsSpan(48));
        bundle.Write(table);
        bundle.Write(trailer);
    }

    /// <exception cref="DamagedArchiveException">The file is no bundle.</exception>
    public static IReadOnlyList<BundledPack> ReadTable(FileStream bundle)
    {
        var end = bundle.Length - TrailerLength;
        var trailer = new byte[TrailerLength];
        var header = new byte[Header.Length];
        if (end < header.Length || bundle.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) != header.Length || !Header.SequenceEqual(header))
        {
            throw new DamagedArchiveException(bundle.Name, "it does not begin like a bundle of this version");
        }

        bundle.Position = end;
        bundle.ReadExactly(trailer);
        var offset = BinaryPrimitives.ReadInt64LittleEndian(trailer);
        var rows = BinaryPrimitives.ReadInt64LittleEndian(trailer.AsSpan(8));
        if (!trailer.AsSpan(48).SequenceEqual(Magic) || rows is < 0 or > MaxRows || offset != end - (rows * RowLength))
        {
            throw new DamagedArchiveException(bundle.Name, "it does not end like a bundle");
        }

        var table = new byte[rows * RowLength];
        bundle.Position = offset;
        bundle.ReadExactly(table);
        if (!SHA256.HashData(table).AsSpan().SequenceEqual(trailer.AsSpan(16, 32)))
        {
            throw new DamagedArchiveException(bundle.Name, "the SHA-256 of its table of packs does not match");
        }

        var packs = new List<BundledPack>();
        for (var row = table.AsSpan(); !row.IsEmpty; row = row[RowLength..])
        {
            var pack = new BundledPack(
                PackId.Read(row),
                BinaryPrimitives.ReadInt64LittleEndian(row[PackId.Length..]),
                BinaryPrimitives.ReadInt64LittleEndian(row[(PackId.Length + sizeof(long))..]));
            packs.Add(pack.Offset >= header.Length && pack.Length >= 0 && pack.Offset <= offset - pack.Length
                ? pack
                : throw new DamagedArchiveException(bundle.Name, $"pack {pack.Pack} lies outside of it"));
        }

        return packs;
    }
}
