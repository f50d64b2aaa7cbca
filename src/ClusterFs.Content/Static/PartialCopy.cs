using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// A generation of which this node's disk holds as much as a budget allows, and links to shared storage the rest. Which files are in use, the kernel notes
/// for free: reading a file, and following a link, sets its access time, the link's own for what is not here. Access times are put back to the
/// beginning after each look, because file systems (relatime) only note the first access after a change otherwise. On file systems that note none (noatime)
/// nothing is known of use, and what came first stays.
/// </summary>
/// <param name="directory">Where it is held.</param>
internal sealed class PartialCopy(StaticStore store, Generation generation, Held held, string directory, long budget, TimeProvider time)
{
    /// <summary>From one look at what was used to the next.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    private List<Part>? _parts;
    private long _lookedAt;
    private long _round;

    public Held Held => held;

    /// <summary>Of the files that are on this node's disk. Thread-safe.</summary>
    public long LocalBytes { get; private set; }

    /// <summary>Which files a new copy has: what the one before had or was asked for, as far as it fits, then what fits in the order of the paths.</summary>
    /// <param name="before">A directory with the generation before; null when there is none.</param>
    public static IReadOnlySet<string> Choose(IEnumerable<ManifestEntry> entries, string? before, long budget)
    {
        var files = entries.Where(entry => entry is { Kind: FileKind.File, SameAs: null, IsShared: false })
            .Select(entry => (entry.Path, entry.Content!.Size, WasHere: before is not null && FileStatus.TryRead(Path.Combine(before, entry.Path)) is { Kind: FileKind.File }))
            .ToList();
        return PartRules.Fit(files.Select(file => new PartUse(file.Path, file.Size, file.WasHere ? 1 : 0, file.WasHere)), budget);
    }

    /// <summary>Fetches what was used and is not here, in the place of what was not used for longest. A reader sees the same bytes at every moment.</summary>
    public void Balance(CancellationToken cancellation)
    {
        if (_parts is not null && time.GetElapsedTime(_lookedAt) < Every)
        {
            return;
        }

        _lookedAt = time.GetTimestamp();
        using var mark = store.Archive.Mark(generation.Content);
        using var reader = store.Archive.NewReader();
        var manifest = store.ManifestOf(generation, reader);
        _parts ??= [.. manifest.Entries().Where(entry => entry is { Kind: FileKind.File, SameAs: null, IsShared: false }).Select(entry => new Part(entry))];
        _round++;
        foreach (var part in _parts)
        {
            cancellation.ThrowIfCancellationRequested();
            NoteUse(part);
        }

        var chosen = PartRules.Fit(_parts.Select(part => new PartUse(part.Entry.Path, part.Entry.Content!.Size, part.UsedIn, part.IsHere)), budget);
        foreach (var part in _parts.Where(part => part.IsHere && !chosen.Contains(part.Entry.Path)))
        {
            Replace(part, next => File.CreateSymbolicLink(next, Path.Combine(store.TreeOf(generation), part.Entry.Path)));
        }

        var writer = new GenerationWriter(reader, manifest, null);
        foreach (var part in _parts.Where(part => !part.IsHere && chosen.Contains(part.Entry.Path)))
        {
            cancellation.ThrowIfCancellationRequested();
            Replace(part, next => writer.Fetch(part.Entry, next, cancellation));
        }

        LocalBytes = _parts.Where(part => part.IsHere).Sum(part => part.Entry.Content!.Size);
    }

    private void NoteUse(Part part)
    {
        var path = Path.Combine(directory, part.Entry.Path);
        if (AccessTime.TryRead(path) is not { } accessed || FileStatus.TryRead(path) is not { } status)
        {
            return;
        }

        part.IsHere = status.Kind == FileKind.File;
        if (accessed != 0)
        {
            // The first look finds when it was written, which is no use.
            part.UsedIn = part.IsKnown ? _round : part.UsedIn;
            AccessTime.Reset(path);
        }

        part.IsKnown = true;
    }

    private void Replace(Part part, Action<string> write)
    {
        var path = Path.Combine(directory, part.Entry.Path);
        var next = Path.Combine(Path.GetDirectoryName(directory)!, $".unfinished-{Guid.NewGuid():N}");
        try
        {
            write(next);
            AccessTime.Reset(next);
            Durable.Rename(next, path);
            part.IsHere = FileStatus.TryRead(path) is { Kind: FileKind.File };
        }
        finally
        {
            Trash.Delete(next);
        }
    }

    private sealed class Part(ManifestEntry entry)
    {
        public ManifestEntry Entry => entry;

        public long UsedIn { get; set; }

        public bool IsHere { get; set; }

        public bool IsKnown { get; set; }
    }
}
