using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ClusterFs.Archive.Packs;

/// <summary>
/// Encrypts the blocks of one pack: AES-256-GCM, the number of the block as the nonce. A sealed block is its number (32 bits, little-endian), the
/// encrypted bytes, and the tag of 128 bits. Safe for use by several threads.
/// </summary>
internal sealed class PackCipher(ArchiveKey key, PackId pack)
{
    public const int KeyLength = 32;

    /// <summary>By which a sealed block is longer than what is in it.</summary>
    public const int Overhead = sizeof(int) + TagLength;

    private const int TagLength = 16;
    private const int NonceLength = 12;

    private readonly byte[] _key = key.Derive(pack);

    public ulong KeyId => key.Id;

    /// <summary>Where to put the bytes that are to be sealed.</summary>
    public static Span<byte> Inside(Span<byte> block) => block[sizeof(int)..];

    /// <param name="block">Holds the bytes where <see cref="Inside"/> says; sealed afterwards.</param>
    /// <param name="length">Of the bytes.</param>
    /// <returns>Length of the sealed block.</returns>
    public int Seal(int number, Span<byte> block, int length)
    {
        BinaryPrimitives.WriteInt32LittleEndian(block, number);
        var bytes = block.Slice(sizeof(int), length);
        using var cipher = new AesGcm(_key, TagLength);
        cipher.Encrypt(NonceOf(number), bytes, bytes, block.Slice(sizeof(int) + length, TagLength));
        return length + Overhead;
    }

    /// <summary>Opens a block in place.</summary>
    /// <param name="number">Which it must be; null for any.</param>
    /// <returns>What was sealed in it; null when it is not what was sealed under this key.</returns>
    public Memory<byte>? TryOpen(int? number, Memory<byte> block)
    {
        if (block.Length < Overhead)
        {
            return null;
        }

        var found = BinaryPrimitives.ReadInt32LittleEndian(block.Span);
        var bytes = block[sizeof(int)..^TagLength];
        using var cipher = new AesGcm(_key, TagLength);
        try
        {
            cipher.Decrypt(NonceOf(found), bytes.Span, block.Span[^TagLength..], bytes.Span);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }

        if (number is { } expected && expected != found)
        {
            return null;
        }

        return bytes;
    }

    private static byte[] NonceOf(int number)
    {
        var nonce = new byte[NonceLength];
        BinaryPrimitives.WriteInt32LittleEndian(nonce, number);
        return nonce;
    }
}
