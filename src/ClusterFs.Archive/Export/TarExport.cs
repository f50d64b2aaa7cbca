using System.Formats.Tar;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Export;

/// <summary>Writes a dump as a plain tar file (PAX), so that nobody needs ClusterFs to read it.</summary>
internal static class TarExport
{
    private const int NanosecondsPerTick = 100;

    public static void Write(Manifest manifest, PackReader reader, Stream output, CancellationToken cancellation)
    {
        using var tar = new TarWriter(output, TarEntryFormat.Pax, leaveOpen: true);
        foreach (var entry in manifest.Entries())
        {
            cancellation.ThrowIfCancellationRequested();
            var written = new PaxTarEntry(TypeOf(entry), entry.Kind == FileKind.Directory ? $"{entry.Path}/" : entry.Path)
            {
                Mode = (UnixFileMode)entry.Mode,
                Uid = (int)entry.User,
                Gid = (int)entry.Group,
                ModificationTime = DateTimeOffset.UnixEpoch.AddTicks(entry.ModifiedNs / NanosecondsPerTick),
            };
            using var content = entry.Content is { } stored ? new ContentStream(reader, stored, manifest.Head.PageSeed, $"'{entry.Path}'") : null;
            if (entry.Kind == FileKind.SymbolicLink)
            {
                written.LinkName = entry.Target!;
            }
            else if (entry.SameAs is { } first)
            {
                written.LinkName = first;
            }
            else if (content is { Length: > 0 })
            {
                written.DataStream = content;
            }

            tar.WriteEntry(written);
        }
    }

    private static TarEntryType TypeOf(ManifestEntry entry) => entry.Kind switch
    {
        FileKind.Directory => TarEntryType.Directory,
        FileKind.SymbolicLink => TarEntryType.SymbolicLink,
        _ => entry.SameAs is null ? TarEntryType.RegularFile : TarEntryType.HardLink,
    };
}
