using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>How far a restore has come.</summary>
public sealed record RestoreProgress(long Files, long TotalFiles, long Bytes, long TotalBytes);

/// <summary>Writes the content of a manifest into an empty directory: verified, synced, with owners, modes and times.</summary>
internal sealed class TreeRestorer(PackReader reader)
{
    private const int BufferSize = 1 << 20;
    private const uint PrivateDirectory = 0b111_000_000;
    private const uint PrivateFile = 0b110_000_000;

    /// <param name="manifest">Checked by <see cref="ManifestRules"/>.</param>
    /// <param name="directory">Exists, is empty, and nobody else writes in it.</param>
    /// <exception cref="DamagedArchiveException">A content is not what was stored; the directory is incomplete.</exception>
    public void Restore(Manifest manifest, string directory, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        var total = new RestoreProgress(
            0, manifest.Entries.Count(entry => entry.Content is not null), 0, manifest.Entries.Sum(entry => entry.Content?.Size ?? 0));
        progress?.Report(total);
        var buffer = new byte[BufferSize];
        foreach (var entry in manifest.Entries)
        {
            cancellation.ThrowIfCancellationRequested();
            var path = Path.Combine(directory, entry.Path);
            switch (entry.Kind)
            {
                case FileKind.Directory:
                    Directory.CreateDirectory(path, (UnixFileMode)PrivateDirectory);
                    break;
                case FileKind.SymbolicLink:
                    File.CreateSymbolicLink(path, entry.Target!);
                    Attribute(entry, path);
                    break;
                default:
                    var before = total;
                    total = WriteFile(entry, path, buffer, total, progress, cancellation);
                    total = total with { Files = before.Files + 1 };
                    progress?.Report(total);
                    break;
            }
        }

        // Deepest first: making an entry changes its directory's time, and a directory may deny us writing once it has its mode.
        foreach (var entry in manifest.Entries.Reverse().Where(entry => entry.Kind == FileKind.Directory))
        {
            var path = Path.Combine(directory, entry.Path);
            Durable.SyncDirectory(path);
            Attribute(entry, path);
        }

        Durable.SyncDirectory(directory);
    }

    private static void Attribute(ManifestEntry entry, string path)
    {
        if (Processes.IsRoot)
        {
            FileAttribution.SetOwner(path, entry.User, entry.Group);
        }

        if (entry.Kind != FileKind.SymbolicLink)
        {
            FileAttribution.SetMode(path, entry.Mode);
        }

        FileAttribution.SetModified(path, entry.ModifiedNs);
    }

    private RestoreProgress WriteFile(
        ManifestEntry entry, string path, byte[] buffer, RestoreProgress total, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        using var source = new ContentStream(reader, entry.Content!, $"'{entry.Path}'");
        using var target = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            BufferSize = 0,
            UnixCreateMode = (UnixFileMode)PrivateFile,
        });
        int read;
        while ((read = source.Read(buffer)) > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            target.Write(buffer, 0, read);
            total = total with { Bytes = total.Bytes + read };
            progress?.Report(total);
        }

        target.Flush();
        Attribute(entry, path);
        target.Flush(flushToDisk: true);
        return total;
    }
}
