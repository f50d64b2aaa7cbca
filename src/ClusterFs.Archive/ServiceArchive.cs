using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Export;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive;

/// <summary>What a check of a dump found.</summary>
/// <param name="Damages">One sentence for each content that is not what was stored; empty when all is well.</param>
public sealed record VerifyReport(long Files, long Bytes, IReadOnlyList<string> Damages);

/// <summary>
/// The archive of one service on shared storage, for reading. Calls block on shared storage, which may hang: run them on a thread of
/// their own. Safe to use from any number of threads, processes and machines.
/// </summary>
/// <exception cref="SharedStorageException">From every method: shared storage is away.</exception>
/// <exception cref="DamagedArchiveException">From every method: what was read is not what was written.</exception>
public sealed class ServiceArchive
{
    private readonly TimeProvider _time;

    /// <param name="sharedPath">The shared directory, `shared.path`; the archive lies in `clusterfs/archive/SERVICE` below it.</param>
    /// <param name="time">For the time stamps that people read.</param>
    /// <exception cref="ArgumentException">The service's name cannot be the name of a directory.</exception>
    public ServiceArchive(string sharedPath, string service, TimeProvider? time = null)
    {
        Layout = new ArchiveLayout(sharedPath, service);
        Log = new SlotLog(Layout, service);
        Service = service;
        _time = time ?? TimeProvider.System;
    }

    public string Service { get; }

    /// <summary>The directory that holds everything of this archive.</summary>
    public string Root => Layout.Root;

    internal ArchiveLayout Layout { get; }

    internal SlotLog Log { get; init; }

    internal DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>
    /// Creates `clusterfs` in the shared directory, which marks it as the shared storage. Done once for a cluster: were it done on every
    /// start, a mount point whose mount is missing would pass for an empty archive.
    /// </summary>
    public static void Initialize(string sharedPath) => Durable.CreateDirectory(Path.Combine(sharedPath, "clusterfs"));

    /// <summary>Claims and dumps, oldest first.</summary>
    public IReadOnlyList<LogRecord> List(CancellationToken cancellation)
    {
        Layout.RequireHome();
        return [.. Log.ReadFrom(1, cancellation)];
    }

    /// <summary>Content kept outside the line, oldest first.</summary>
    public IReadOnlyList<DivergentRecord> ListDivergent(CancellationToken cancellation)
    {
        Layout.RequireHome();
        return DivergentStore.List(Layout, Service, cancellation);
    }

    /// <summary>The files of a dump.</summary>
    public Manifest ReadManifest(StoredContent content)
    {
        using var reader = NewReader();
        return reader.ReadManifest(content.Manifest, Service);
    }

    /// <summary>Writes a dump's files into a directory that does not exist or is empty. Owners are set only by root.</summary>
    /// <exception cref="LocalContentException">The directory is not empty, or cannot be written.</exception>
    /// <exception cref="HostileManifestException">The dump asks for something no dump of ours contains.</exception>
    public void RestoreTo(StoredContent content, string directory, IProgress<RestoreProgress>? progress, CancellationToken cancellation)
    {
        if (File.Exists(directory) || (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any()))
        {
            throw new LocalContentException($"{directory} is not an empty directory. Name one that is empty or does not exist yet.");
        }

        using var reader = NewReader();
        var manifest = reader.ReadManifest(content.Manifest, Service);
        Durable.CreateDirectory(directory);
        new TreeRestorer(reader).Restore(manifest, Path.GetFullPath(directory), progress, cancellation);
    }

    /// <summary>Writes a dump as a tar file (PAX). The stream need not be seekable and is left open.</summary>
    public void ExportTar(StoredContent content, Stream output, CancellationToken cancellation)
    {
        using var reader = NewReader();
        TarExport.Write(reader.ReadManifest(content.Manifest, Service), reader, output, cancellation);
    }

    /// <summary>Reads everything a dump refers to and checks it.</summary>
    public VerifyReport Verify(StoredContent content, CancellationToken cancellation)
    {
        using var reader = NewReader();
        var files = 0L;
        var bytes = 0L;
        var damages = new List<string>();
        try
        {
            foreach (var entry in reader.ReadManifest(content.Manifest, Service).Entries.Where(entry => entry.Content is not null))
            {
                try
                {
                    using var stream = new ContentStream(reader, entry.Content!, $"'{entry.Path}'");
                    stream.ReadToEnd(cancellation);
                    files++;
                    bytes += entry.Content!.Size;
                }
                catch (DamagedArchiveException damage)
                {
                    damages.Add($"'{entry.Path}': {damage.Message}");
                }
            }
        }
        catch (Exception damage) when (damage is DamagedArchiveException or HostileManifestException)
        {
            damages.Add(damage.Message);
        }

        return new VerifyReport(files, bytes, damages);
    }

    internal PackReader NewReader() => new(Layout.Pack);
}
