using System.Security.Cryptography;
using System.Text;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

/// <summary>The records of content outside the line.</summary>
internal static class DivergentStore
{
    private const string Extension = ".json";
    private const int IdHashLength = 12;

    /// <summary>The same content of the same node and epoch has the same name, so that it is kept once however often it is tried.</summary>
    /// <param name="hash">Fed every entry by <see cref="AddTo"/>.</param>
    public static string IdOf(string node, long epoch, IncrementalHash hash) => $"{node}-{epoch}-{Digest.Take(hash).ToString()[..IdHashLength]}";

    public static void AddTo(IncrementalHash hash, ManifestEntry entry) => hash.AppendData(Encoding.UTF8.GetBytes(
        $"{entry.Path}\0{entry.Kind}\0{entry.Mode}\0{entry.Content?.Digest}\0{entry.Target}\0{entry.SameAs}\0"));

    public static DivergentRecord? TryRead(ArchiveLayout layout, string service, string id)
    {
        var file = FileOf(layout, id);
        using var stream = SharedStorage.TryOpen(file);
        return stream is null ? null : Read(file, stream, service);
    }

    public static IReadOnlyList<DivergentRecord> List(ArchiveLayout layout, string service, CancellationToken cancellation) =>
        SharedStorage.Reach(layout.Divergent, () =>
        {
            var records = new List<DivergentRecord>();
            if (Directory.Exists(layout.Divergent))
            {
                foreach (var file in Directory.EnumerateFiles(layout.Divergent, $"*{Extension}"))
                {
                    cancellation.ThrowIfCancellationRequested();
                    using var stream = SharedStorage.TryOpen(file);
                    if (stream is not null)
                    {
                        records.Add(Read(file, stream, service));
                    }
                }
            }

            return records.OrderBy(record => record.At).ThenBy(record => record.Id, StringComparer.Ordinal).ToList();
        });

    /// <summary>Makes a record durable. One that exists already is left as it is: it says the same.</summary>
    public static void Add(ArchiveLayout layout, DivergentRecord record, string nonce) => SharedStorage.Reach(layout.Divergent, () =>
    {
        var temporary = layout.NewTemporary(nonce);
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0))
            {
                stream.Write(RecordFormat.Write(record));
                stream.Flush(flushToDisk: true);
            }

            _ = Durable.TryLink(temporary, FileOf(layout, record.Id));
        }
        finally
        {
            File.Delete(temporary);
        }

        Durable.SyncDirectory(layout.Divergent);
    });

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
