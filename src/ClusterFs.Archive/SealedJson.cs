using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace ClusterFs.Archive;

/// <summary>A file of JSON for people to read, whose last line is the SHA-256 of all before it: what a bit that flipped makes of it counts for nothing.</summary>
internal static class SealedJson
{
    private const byte LineEnd = (byte)'\n';
    private const int HashLength = 64;

    public static byte[] Write<T>(T value, JsonTypeInfo<T> type)
    {
        byte[] json = [.. JsonSerializer.SerializeToUtf8Bytes(value, type), LineEnd];
        return [.. json, .. HashOf(json), LineEnd];
    }

    /// <returns>Null when there is no such file, or it is not what was written.</returns>
    public static T? TryRead<T>(string file, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            var bytes = File.ReadAllBytes(file).AsSpan();
            var end = bytes.Length - HashLength - 1;
            return end > 0 && bytes[^1] == LineEnd && bytes[end..^1].SequenceEqual(HashOf(bytes[..end]))
                ? JsonSerializer.Deserialize(bytes[..end], type)
                : null;
        }
        catch (Exception error) when (error is FileNotFoundException or JsonException)
        {
            return null;
        }
    }

    private static byte[] HashOf(ReadOnlySpan<byte> json) => Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(json)));
}
