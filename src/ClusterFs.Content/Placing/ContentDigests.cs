using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Placing;

/// <summary>SHA-256, in hexadecimal digits.</summary>
internal static class ContentDigests
{
    public static string Of(ReadOnlySpan<byte> content) => Convert.ToHexStringLower(SHA256.HashData(content));

    public static string Of(SafeFileHandle file)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 16];
        var offset = 0L;
        int read;
        while ((read = RandomAccess.Read(file, buffer, offset)) > 0)
        {
            hash.AppendData(buffer.AsSpan(0, read));
            offset += read;
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
