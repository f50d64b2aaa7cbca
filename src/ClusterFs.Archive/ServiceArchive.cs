using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Export;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Restore;
using ClusterFs.Archive.Retention;
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
public sealed partial class ServiceArchive
{
    private readonly TimeProvider _time;

    /// <param name="sharedPath">The shared directory, `shared.path`; the archive lies in `clusterfs/archive/SERVICE` below it.</param>
    /// <param name="time">For the time stamps that people read.</param>
    /// <exception cref="ArgumentException">The service's name cannot be the name of a directory.</exception>
    public ServiceArchive(string sharedPath, string service, TimeProvider? time = null)
        : this(new ArchiveLayout(sharedPath, service), service, time)
    {
    }

    internal ServiceArchive(ArchiveLayout layout, string service, TimeProvider? time)
    {
        Layout = layout;
        Log = new SlotLog(Layout, service);
        Packs = new PackStore(Layout);
        Service = service;
        _time = time ?? TimeProvider.System;
    }

    public string Service { get; }

    /// <summary>Null: contents are stored as they are, and what is encrypted cannot be read.</summary>
    public ArchiveKeys? Keys { get; init; }

    /// <summary>The directory that holds everything of this archive.</summary>
    public string Root => Layout.Root;

    internal ArchiveLayout Layout { get; }

    internal SlotLog Log { get; init; }

    internal PackStore Packs { get; }

    /// <summary>How long a pack may stay out of sight: above what a network file system caches of a directory.</summary>
    internal TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(2);

    internal DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>
    /// Creates `clusterfs` in the shared directory, which marks it as the shared storage. Done once for a cluster: were it done on every
    /// start, a mount point whose mount is missing would pass for an empty archive.
    /// </summary>
    public static void Initialize(string sharedPath) => Durable.CreateDirectory(Path.Combine(sharedPath, "clusterfs"));

    /// <summary>What the log says, oldest first, but for dumps that were pruned.</summary>
    public IReadOnlyList<LogRecord> List(CancellationToken cancellation)
    {
        Layout.RequireHome();
        var records = Log.ReadFrom(1, cancellation).ToList();
        var pruned = records.OfType<PruneRecord>().ToList();
        return [.. records.Where(record => record is not DumpRecord || !pruned.Exists(prune => prune.Prunes(record.Slot)))];
    }

    /// <returns>The newest dump that can be seen; null when there is none. Reads no more of the log than that takes.</returns>
    public DumpRecord? NewestDump(CancellationToken cancellation)
    {
        Layout.RequireHome();
        return Log.LastDumpBefore(Log.HighestListed() + 1, cancellation);
    }

    /// <summary>The entries of a dump, in order, read from the archive as they are enumerated.</summary>
    /// <exception cref="HostileManifestException">While enumerating: the dump holds something no dump of ours contains.</exception>
    public IEnumerable<ManifestEntry> ReadEntries(StoredContent content)
    {
        using var mark = Mark(content);
        using var reader = NewReader();
        foreach (var entry in Manifest.Open(reader, content.Manifest, Service).Entries())
        {
            yield return entry;
        }
    }

    /// <summary>What differs between two dumps, in the order of the paths, read from the archive as it is enumerated.</summary>
    public IEnumerable<EntryChange> Compare(StoredContent older, StoredContent newer) => EntryChange.Between(ReadEntries(older), ReadEntries(newer));

    /// <summary>
    /// Writes a dump's files into a directory that does not exist or is empty, and gives it what the live directory had: mode, owner, extended
    /// attributes. Owners are set only by root.
    /// </summary>
    /// <param name="alone">Whether contents are fetched by the calling thread alone: slower, and in nobody's way if storage hangs.</param>
    /// <exception cref="LocalContentException">The directory is not empty, or cannot be written.</exception>
    /// <exception cref="HostileManifestException">The dump asks for something no dump of ours contains.</exception>
    public void RestoreTo(
        StoredContent content, string directory, IProgress<RestoreProgress>? progress, CancellationToken cancellation, bool alone = false)
    {
        if (File.Exists(directory) || (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any()))
        {
            throw new LocalContentException($"{directory} is not an empty directory. Name one that is empty or does not exist yet.");
        }

        using var mark = Mark(content);
        using var reader = NewReader();
        var manifest = Manifest.Open(reader, content.Manifest, Service);
        manifest.Check();
        var to = Path.GetFullPath(directory);
        if (!Directory.Exists(to))
        {
            // Until it is complete nobody else looks in.
            Durable.CreateDirectory(Path.GetDirectoryName(to)!);
            Directory.CreateDirectory(to, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        new TreeRestorer(reader, null, alone: alone).Restore(manifest, content, to, progress, cancellation);
    }

    /// <summary>Writes a dump as a tar file (PAX). The stream need not be seekable and is left open.</summary>
    public void ExportTar(StoredContent content, Stream output, CancellationToken cancellation)
    {
        using var mark = Mark(content);
        using var reader = NewReader();
        var manifest = Manifest.Open(reader, content.Manifest, Service);
        manifest.Check();
        TarExport.Write(manifest, reader, output, cancellation);
    }

    /// <summary>Checks a dump.</summary>
    /// <param name="full">Whether everything it refers to is read; otherwise its lists only, and whether what they refer to is there.</param>
    public VerifyReport Verify(StoredContent content, CancellationToken cancellation, bool full = true)
    {
        using var mark = Mark(content);
        using var reader = NewReader();
        var files = 0L;
        var bytes = 0L;
        var damages = new List<string>();
        try
        {
            var manifest = Manifest.Open(reader, content.Manifest, Service);
            foreach (var entry in manifest.Entries().Where(entry => entry.Content is not null))
            {
                try
                {
                    if (full)
                    {
                        using var stream = new ContentStream(reader, entry.Content!, manifest.Head.PageSeed, $"'{entry.Path}'");
                        stream.ReadToEnd(cancellation);
                    }
                    else
                    {
                        RequirePlaces(reader, entry, cancellation);
                    }

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

    private static void RequirePlaces(PackReader reader, ManifestEntry entry, CancellationToken cancellation)
    {
        var what = $"'{entry.Path}'";
        if (entry.Content is not { Root: { } root } content)
        {
            return;
        }

        reader.Require(root.Pack, root.Block, what);
        if (!content.Paged)
        {
            return;
        }

        var map = new PageMapReader(reader, content, what);
        for (var leaf = 0L; leaf < PageMap.LeavesOf(content.Size); leaf++)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var place in map.Leaf(leaf).Where(place => !place.IsHole).Select(place => (place.Pack, place.Block)).Distinct())
            {
                reader.Require(place.Pack, place.Block, what);
            }
        }
    }

    /// <summary>Keeps the content from being deleted by whoever prunes, until disposed.</summary>
    internal ReadersMark Mark(StoredContent content) => new(Layout, content.Manifest.Pack);

    internal PackReader NewReader() => new(Packs.Find, Patience, Keys);

    /// <param name="workers">Who compresses, and reads back; null: threads of its own.</param>
    internal PackWriter NewPack(string nonce, TaskScheduler? workers = null) => new(Layout, nonce, Keys?.First, workers);
}
