using System.Security.Cryptography;
using System.Text;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

/// <summary>
/// The records of content outside the line. One that was discarded or adopted leaves a file that says so, for good: the node that holds the content
/// does not keep it again, and whoever prunes learns what may go.
/// </summary>
internal static class DivergentStore
{
    private const string Extension = ".json";
    private const string GoneExtension = ".gone";
    private const int IdHashLength = 12;

    /// <summary>The same content of the same node and epoch has the same name, so that it is kept once however often it is tried.</summary>
    /// <param name="hash">Fed every entry by <see cref="AddTo"/>.</param>
    public static string IdOf(string node, long epoch, IncrementalHash hash) => $"{node}-{epoch}-{Digest.Take(hash).ToString()[..IdHashLength]}";

    public static void AddTo(IncrementalHash hash, ManifestEntry entry)
    {
        hash.AppendData(Encoding.UTF8.GetBytes(
            $"{entry.Path}\0{entry.Kind}\0{entry.Mode}\0{entry.User}\0{entry.Group}\0{entry.Content?.Digest}\0{entry.Target}\0{entry.SameAs}\0"));
        hash.AppendData(entry.Attributes is { } attributes ? attributes.Stored : []);
    }

    /// <param name="root">Of the live directory itself.</param>
    public static void AddTo(IncrementalHash hash, RootAttributes root)
    {
        hash.AppendData(Encoding.UTF8.GetBytes($"\0{root.Mode}\0{root.User}\0{root.Group}\0"));
        hash.AppendData(root.Attributes is { } attributes ? attributes.Stored : []);
    }

    /// <returns>Null when there is none, or it is gone.</returns>
    public static DivergentRecord? TryRead(ArchiveLayout layout, string service, string id) =>
        IsGone(layout, id) ? null : TryReadFile(FileOf(layout, id), service);

    /// <summary>Whether content with this name was discarded or adopted.</summary>
    public static bool IsGone(ArchiveLayout layout, string id)
    {
        using var stream = SharedStorage.TryOpen(GoneFileOf(layout, id));
        return stream is not null;
    }

    public static IReadOnlyList<DivergentRecord> List(ArchiveLayout layout, string service, CancellationToken cancellation) =>
        SharedStorage.Reach(layout.Divergent, () => Read(layout, Extension, service, cancellation)
            .Where(record => !IsGone(layout, record.Id))
            .OrderBy(record => record.At)
            .ThenBy(record => record.Id, StringComparer.Ordinal)
            .ToList());

    /// <summary>What was discarded or adopted, and the file that says so.</summary>
    public static IReadOnlyList<(DivergentRecord Record, string File)> ListGone(ArchiveLayout layout, string service, CancellationToken cancellation) =>
        SharedStorage.Reach(layout.Divergent, () => Read(layout, GoneExtension, service, cancellation)
            .Select(record => (record, GoneFileOf(layout, record.Id)))
            .ToList());

    /// <summary>Makes a record durable. One that exists already is left as it is: it says the same.</summary>
    public static void Add(ArchiveLayout layout, DivergentRecord record, string nonce) => Link(layout, record, FileOf(layout, record.Id), nonce);

    /// <summary>Ends a record for good. Cut short, it is still there or is gone; a second call ends the same.</summary>
    public static void Retire(ArchiveLayout layout, DivergentRecord record)
    {
        Link(layout, record, GoneFileOf(layout, record.Id), Guid.NewGuid().ToString("N"));
        SharedStorage.Reach(layout.Divergent, () => File.Delete(FileOf(layout, record.Id)));
    }

    private static void Link(ArchiveLayout layout, DivergentRecord record, string file, string nonce) => SharedStorage.Reach(layout.Divergent, () =>
    {
        var temporary = layout.NewTemporary(nonce);
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0))
            {
                stream.Write(RecordFormat.Write(record));
                stream.Flush(flushToDisk: true);
            }

            _ = Durable.TryLink(temporary, file);
        }
        finally
        {
            File.Delete(temporary);
        }

        Durable.SyncDirectory(layout.Divergent);
    });

    private static IEnumerable<DivergentRecord> Read(ArchiveLayout layout, string extension, string service, CancellationToken cancellation)
    {
        foreach (var file in Directory.Exists(layout.Divergent) ? Directory.EnumerateFiles(layout.Divergent, $"*{extension}") : [])
        {
            cancellation.ThrowIfCancellationRequested();
            if (TryReadFile(file, service) is { } record)
            {
                yield return record;
            }
        }
    }

    private static DivergentRecord? TryReadFile(string file, string service)
    {
        using var stream = SharedStorage.TryOpen(file);
        return stream is null ? null : Read(file, stream, service);
    }

    private static string GoneFileOf(ArchiveLayout layout, string id) => Path.Combine(layout.Divergent, id + GoneExtension);

    private static string FileOf(ArchiveLayout layout, string id) => Path.Combine(layout.Divergent, id + Extension);

    private static DivergentRecord Read(string file, FileStream stream, string service)
    {
        if (stream.Length > RecordFormat.MaxLength)
        {
            throw new DamagedArchiveException(file, $"it has {stream.Length} bytes");
        }

        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return RecordFormat.ReadDivergent(file, bytes, service);
    }
}
