using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// Has the generation that is served in part hold those files that were used last: others become links to shared storage, and these take the places of
/// theirs. Both have the same bytes, and each takes its place in one step, after it was synced: whoever reads meets the one or the other, and a crash
/// anywhere leaves all of them readable. Not safe for use by several threads.
/// </summary>
/// <param name="generations">The directory of the node's generations, held open.</param>
/// <param name="held">Of the generation, in it.</param>
/// <param name="shared">The same files on shared storage.</param>
internal sealed class CacheRefill(OpenDirectory generations, string held, string shared, PackReader reader, Manifest manifest, long budget, Action<string> reached)
{
    private const string Staged = ".unfinished-refill";
    private const uint OwnerOnly = 0x1C0;
    private const long MostStaged = 64 << 20;

    private readonly List<(ManifestEntry Entry, string Path)> _staged = [];
    private ILookup<string, ManifestEntry> _furtherNames = Array.Empty<ManifestEntry>().ToLookup(entry => entry.Path);

    /// <summary>Files that were linked to shared storage and are here now, and the other way round.</summary>
    public (long Fetched, long Given) Changed { get; private set; }

    /// <summary>Of the files that are here now.</summary>
    public long LocalBytes { get; private set; }

    /// <exception cref="IOException">A file cannot be fetched or written; what was done so far stays, and is of use.</exception>
    public void Run(DateTimeOffset now, CancellationToken cancellation)
    {
        Trash.Delete(generations[Staged]);
        using var tree = new OwnedTree(generations[held], Accounts.Current);
        var candidates = CacheUse.Of(manifest.Entries(), tree, now).ToList();
        var chosen = CacheRules.Choose(candidates, budget);
        LocalBytes = candidates.Where(file => file.IsHere).Sum(file => file.Size);
        var wanted = candidates.Where(file => !file.IsHere && chosen.Contains(file.Path)).Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        var unwanted = candidates.Where(file => file.IsHere && !chosen.Contains(file.Path)).Select(file => file.Path).ToHashSet(StringComparer.Ordinal);
        if (wanted.Count == 0 && unwanted.Count == 0)
        {
            return;
        }

        _furtherNames = manifest.Entries().Where(entry => entry.SameAs is not null).ToLookup(entry => entry.SameAs!, StringComparer.Ordinal);
        _ = Durable.TryMakeDirectory(generations[Staged]);
        FileAttribution.SetMode(generations[Staged], OwnerOnly);
        using var staging = OpenDirectory.TryOpen(generations[Staged]) ?? throw new StaticException($"{Staged} is in the way; move it away");
        try
        {
            Give(tree, staging, unwanted, cancellation);
            Fetch(tree, staging, wanted, cancellation);
        }
        finally
        {
            Trash.Delete(generations[Staged]);
        }
    }

    private void Give(OwnedTree tree, OpenDirectory staging, HashSet<string> unwanted, CancellationToken cancellation)
    {
        foreach (var entry in manifest.Entries().Where(entry => unwanted.Contains(entry.Path)))
        {
            cancellation.ThrowIfCancellationRequested();
            var link = staging["link"];
            File.CreateSymbolicLink(link, Path.Combine(shared, entry.Path));
            Replace(tree, staging, entry, link);
            LocalBytes -= entry.Content!.Size;
            Changed = Changed with { Given = Changed.Given + 1 };
            reached("given");
        }
    }

    private void Fetch(OwnedTree tree, OpenDirectory staging, HashSet<string> wanted, CancellationToken cancellation)
    {
        using var disk = FileSystemSync.Before(staging["."]);
        var writer = new GenerationWriter(reader, manifest, null);
        var bytes = 0L;
        foreach (var entry in manifest.Entries().Where(entry => wanted.Contains(entry.Path)))
        {
            cancellation.ThrowIfCancellationRequested();
            var path = staging[$"file{_staged.Count}"];
            writer.WriteAlone(entry, path, cancellation);
            _staged.Add((entry, path));
            bytes += entry.Content!.Size;
            if (bytes >= MostStaged)
            {
                Place(tree, staging, disk);
                bytes = 0;
            }
        }

        Place(tree, staging, disk);
    }

    private void Place(OwnedTree tree, OpenDirectory staging, FileSystemSync disk)
    {
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

    /// <summary>Its further names in the generation follow it.</summary>
    private void Replace(OwnedTree tree, OpenDirectory staging, ManifestEntry entry, string with)
    {
        if (tree.Find(entry.Path) is not { } before || tree.Reach(Path.GetDirectoryName(entry.Path)!) is null)
        {
            throw new StaticException($"{Path.Combine(held, entry.Path)} is not what was put there; the next generation mends it");
        }

        // What was known of its use goes on counting.
        FileAttribution.SetAccessed(with, before.AccessedNs);
        var name = staging["name"];
        foreach (var further in _furtherNames[entry.Path])
        {
            _ = Durable.TryLink(with, name);
            if (tree.Reach(Path.GetDirectoryName(further.Path)!) is { } its)
            {
                Durable.Rename(name, its[Path.GetFileName(further.Path)]);
            }
        }

        Durable.Rename(with, tree.Reach(Path.GetDirectoryName(entry.Path)!)![Path.GetFileName(entry.Path)]);
    }
}
