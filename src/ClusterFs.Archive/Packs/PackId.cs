using System.Buffers.Binary;
using System.Globalization;

namespace ClusterFs.Archive.Packs;

/// <summary>The nonce that names a pack, 128 bits. All zero names none.</summary>
public readonly record struct PackId(UInt128 Value)
{
    public const int Length = 16;

    public static PackId Parse(string nonce) =>
        TryParse(nonce) ?? throw new FormatException($"'{nonce}' is no nonce of a pack.");

    /// <returns>Null when it is not 32 lower-case hexadecimal digits.</returns>
    public static PackId? TryParse(string nonce) =>
        nonce.Length == 2 * Length && nonce.All(char.IsAsciiHexDigitLower)
            ? new PackId(UInt128.Parse(nonce, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture))
            : null;

    public static PackId Read(ReadOnlySpan<byte> bytes) => new(BinaryPrimitives.ReadUInt128BigEndian(bytes));

    public void Write(Span<byte> bytes) => BinaryPrimitives.WriteUInt128BigEndian(bytes, Value);

    public override string ToString() => Value.ToString("x32", CultureInfo.InvariantCulture);
}

/// <summary>Bytes inside a block of a pack.</summary>
/// <param name="Block">Number of the block in the pack, from 0.</param>
/// <param name="Offset">First byte in the block, uncompressed.</param>
public readonly record struct Piece(PackId Pack, int Block, int Offset, int Length);
