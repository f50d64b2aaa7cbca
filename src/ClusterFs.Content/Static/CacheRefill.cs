using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// Has the generation that is served in part hold those files that were used last: others become links to shared storage, and these take the places of
/// theirs. Both have the same bytes, and each takes its place in one step, a copy after it was synced: whoever reads meets the one or the other, and a crash
/// anywhere leaves all of them readable. It may end at any file: what was done is of use. Not safe for use by several threads.
/// </summary>
/// <param name="generations">The directory of the node's generations, held open.</param>
/// <param name="held">Of the generation, in it.</param>
/// <param name="shared">The same files on shared storage.</param>
/// <param name="asks">Told that shared storage has answered and is asked again (true), or is asked for nothing (false).</param>
internal sealed class CacheRefill(
    OpenDirectory generations, string held, string shared, PackReader reader, Manifest manifest, long budget, Action<bool> asks, Action<string> reached)
{
    private const string Staged = ".unfinished-refill";
    private const uint OwnerOnly = 0x1C0;
    private const long MostStaged = 64 << 20;

    private readonly List<(ManifestEntry Entry, string Path)> _staged = [];
    private ILookup<string, ManifestEntry> _furtherNames = Array.Empty<ManifestEntry>().ToLookup(entry => entry.Path);

    /// <summary>Files that were linked to shared storage and are here now, and the other way round.</summary>
    public (long Fetched, long Given) Changed { get; private set; }

    /// <summary>Of the files that are here now; null as long as nobody has counted.</summary>
    public long? LocalBytes { get; private set; }

    /// <param name="isEnough">Asked when all is chosen, and after each file: whether to end there.</param>
    /// <returns>Whether all is as it should be now; otherwise there is more to do.</returns>
    /// <exception cref="IOException">A file cannot be fetched or written; what was done so far stays.</exception>
    /// <exception cref="OperationCanceledException">What was done so far stays.</exception>
    public bool Run(DateTimeOffset now, Func<bool> isEnough, CancellationToken cancellation)
    {
        Trash.Delete(generations[Staged]);
        using var tree = new OwnedTree(generations[held], Accounts.Current);
        _furtherNames = Read(cancellation).Where(entry => entry.SameAs is not null).ToLookup(entry => entry.SameAs!, StringComparer.Ordinal);
        var candidates = CacheUse.Of(Read(cancellation), tree, now, areNew: false).ToList();
        var (wanted, unwanted) = Choose(candidates, tree);
        asks(false);
        LocalBytes = candidates.Where(file => file.IsHere).Sum(file => file.Size);
        if (wanted.Count == 0 && unwanted.Count == 0)
        {
            return true;
        }

        _ = isEnough();
        _ = Durable.TryMakeDirectory(generations[Staged]);
        FileAttribution.SetMode(generations[Staged], OwnerOnly);
        using var staging = OpenDirectory.TryOpen(generations[Staged]) ?? throw new StaticException($"{Staged} is in the way; move it away");
        try
        {
            return Give(tree, staging, unwanted, isEnough, cancellation) && Fetch(tree, staging, wanted, isEnough, cancellation);
        }
        finally
        {
            asks(false);
            Trash.Delete(generations[Staged]);
        }
    }

    private IEnumerable<ManifestEntry> Read(CancellationToken cancellation)
    {
        asks(true);
        foreach (var entry in manifest.Entries())
        {
            cancellation.ThrowIfCancellationRequested();
            yield return entry;
            asks(true);
        }
    }

    /// <summary>A file of which not all names can be reached stays what it is, and the others have what it leaves of the budget.</summary>
    private (HashSet<string> Wanted, HashSet<string> Unwanted) Choose(List<CacheCandidate> candidates, OwnedTree tree)
    {
        var changeable = candidates.Where(file => _furtherNames[file.Path].All(further => DirectoryOf(tree, further) is not null)).ToList();
        var taken = candidates.Where(file => file.IsHere).Sum(file => file.Size) - changeable.Where(file => file.IsHere).Sum(file => file.Size);
        var chosen = CacheRules.Choose(changeable, Math.Max(0, budget - taken));
        return (Paths(changeable.Where(file => !file.IsHere && chosen.Contains(file.Path))), Paths(changeable.Where(file => file.IsHere && !chosen.Contains(file.Path))));
    }

    private static HashSet<string> Paths(IEnumerable<CacheCandidate> files) => files.Select(file => file.Path).ToHashSet(StringComparer.Ordinal);

    private static OpenDirectory? DirectoryOf(OwnedTree tree, ManifestEntry entry) => tree.Reach(Path.GetDirectoryName(entry.Path)!);

    private bool Give(OwnedTree tree, OpenDirectory staging, HashSet<string> unwanted, Func<bool> isEnough, CancellationToken cancellation)
    {
        foreach (var entry in Read(cancellation).Where(entry => unwanted.Contains(entry.Path)))
        {
            var link = staging["link"];
            File.CreateSymbolicLink(link, Path.Combine(shared, entry.Path));
            Replace(tree, staging, entry, link);
            LocalBytes -= entry.Content!.Size;
            Changed = Changed with { Given = Changed.Given + 1 };
            reached("given");
            if (isEnough())
            {
                return false;
            }
        }

        return true;
    }

    private bool Fetch(OwnedTree tree, OpenDirectory staging, HashSet<string> wanted, Func<bool> isEnough, CancellationToken cancellation)
    {
        using var disk = FileSystemSync.Before(staging["."]);
        var writer = new GenerationWriter(reader, manifest, null) { HasRead = () => asks(true) };
        var bytes = 0L;
        foreach (var entry in Read(cancellation).Where(entry => wanted.Contains(entry.Path)))
        {
            var path = staging[$"file{_staged.Count}"];
            reached("fetching");
            writer.WriteAlone(entry, path, cancellation);
            _staged.Add((entry, path));
            bytes += entry.Content!.Size;
            var enough = isEnough();
            if (enough || bytes >= MostStaged)
            {
                Place(tree, staging, disk);
                bytes = 0;
            }

            if (enough)
            {
                return false;
            }
        }

        Place(tree, staging, disk);
        return true;
    }

    private void Place(OwnedTree tree, OpenDirectory staging, FileSystemSync disk)
    {
        asks(false);
        disk.Complete();
        reached("fetched");
        foreach (var (entry, path) in _staged)
        {
            Replace(tree, staging, entry, path);
            LocalBytes += entry.Content!.Size;
            Changed = Changed with { Fetched = Changed.Fetched + 1 };
            reached("placed");
        }

        _staged.Clear();
    }

    /// <summary>
    /// Its further names in the generation follow it. Nothing is put anywhere by a name that might be another file's: what was left of one would be served
    /// as the other.
    /// </summary>
    private void Replace(OwnedTree tree, OpenDirectory staging, ManifestEntry entry, string with)
    {
        if (tree.Find(entry.Path) is not { } before || _furtherNames[entry.Path].Any(further => DirectoryOf(tree, further) is null))
        {
            throw NotAsItWas(entry);
        }

        // What was known of its use goes on counting.
        FileAttribution.SetAccessed(with, before.AccessedNs);
        var name = staging["name"];
        foreach (var further in _furtherNames[entry.Path])
        {
            if (!Durable.TryLink(with, name))
            {
                throw new StaticException($"{Staged}/name is in the way, and was not a moment ago; somebody works there");
            }

            Durable.Rename(name, (DirectoryOf(tree, further) ?? throw NotAsItWas(further))[Path.GetFileName(further.Path)]);
        }

        Durable.Rename(with, (DirectoryOf(tree, entry) ?? throw NotAsItWas(entry))[Path.GetFileName(entry.Path)]);
    }

    private StaticException NotAsItWas(ManifestEntry entry) => new($"{Path.Combine(held, entry.Path)} is not what was put there; the next generation mends it");
}
