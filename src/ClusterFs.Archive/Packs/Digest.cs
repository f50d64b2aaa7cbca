using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace ClusterFs.Archive.Packs;

/// <summary>A SHA-256.</summary>
public readonly record struct Digest(ulong A, ulong B, ulong C, ulong D)
{
    public const int Length = 32;

    public static Digest Of(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[Length];
        SHA256.HashData(bytes, hash);
        return Read(hash);
    }

    public static Digest Take(IncrementalHash hash)
    {
        Span<byte> bytes = stackalloc byte[Length];
        hash.GetHashAndReset(bytes);
        return Read(bytes);
    }

    public static Digest Read(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<Digest>(bytes);

    /// <returns>Null when it is not 64 lower-case hexadecimal digits.</returns>
    public static Digest? TryParse(string text) =>
        text.Length == 2 * Length && text.All(char.IsAsciiHexDigitLower) ? Read(Convert.FromHexString(text)) : null;

    public void Write(Span<byte> bytes) => MemoryMarshal.Write(bytes, this);

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Length];
        Write(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
