using System.Text.Json;
using System.Text.Json.Serialization;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>What tells, without reading a file, that it is still the same.</summary>
internal readonly record struct FileIdentity(long Size, long ModifiedNs, long ChangedNs, ulong Inode)
{
    public static FileIdentity Of(FileStatus status) => new(status.Size, status.ModifiedNs, status.ChangedNs, status.Inode);
}

/// <param name="Settled">
/// False when the file was changed so shortly before it was looked at that a later change might bear the same time: equal identity then
/// proves nothing.
/// </param>
/// <param name="Sqlite">Whether the file is captured by SQLite; its write-ahead log then belongs to it.</param>
/// <param name="Log">Identity of the write-ahead log; all zero when there is none or it is empty.</param>
internal sealed record IndexEntry(
    string Path, FileKind Kind, uint Mode, uint User, uint Group, FileIdentity Identity, bool Settled, bool Sqlite, FileIdentity Log);

/// <summary>The identities of all files as of one dump. Immutable.</summary>
/// <param name="Subject">Nonce of that dump.</param>
internal sealed record IdentityIndex(string Subject, IReadOnlyList<IndexEntry> Entries)
{
    private readonly Dictionary<string, IndexEntry> _byPath = Entries.ToDictionary(entry => entry.Path, StringComparer.Ordinal);

    public IndexEntry? Find(string path) => _byPath.GetValueOrDefault(path);

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(
        new IndexFields(Subject, [.. Entries.Select(Row)]), IndexJson.Default.IndexFields);

    /// <returns>Null when the bytes are no index: nothing is known then, and everything is read.</returns>
    public static IdentityIndex? Read(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var fields = JsonSerializer.Deserialize(bytes, IndexJson.Default.IndexFields);
            return fields is { Subject: not null, Rows: not null }
                ? new IdentityIndex(fields.Subject, [.. fields.Rows.Select(Entry)])
                : null;
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            return null;
        }
    }

    private static IndexRow Row(IndexEntry entry) => new(
        entry.Path,
        [
            (long)entry.Kind, entry.Mode, entry.User, entry.Group,
            entry.Identity.Size, entry.Identity.ModifiedNs, entry.Identity.ChangedNs, (long)entry.Identity.Inode,
            entry.Settled ? 1 : 0, entry.Sqlite ? 1 : 0,
            entry.Log.Size, entry.Log.ModifiedNs, entry.Log.ChangedNs, (long)entry.Log.Inode,
        ]);

    private static IndexEntry Entry(IndexRow row) => row is { Path: not null, Facts: { Length: 14 } facts }
        ? new IndexEntry(
            row.Path,
            (FileKind)facts[0],
            (uint)facts[1],
            (uint)facts[2],
            (uint)facts[3],
            new FileIdentity(facts[4], facts[5], facts[6], (ulong)facts[7]),
            facts[8] == 1,
            facts[9] == 1,
            new FileIdentity(facts[10], facts[11], facts[12], (ulong)facts[13]))
        : throw new JsonException("A row of the index is not complete.");
}

internal sealed record IndexRow(string? Path, long[]? Facts);

internal sealed record IndexFields(string? Subject, List<IndexRow>? Rows);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(IndexFields))]
internal sealed partial class IndexJson : JsonSerializerContext;
