using ClusterFs.Archive;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Retention;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// Deletes what no generation needs: files of those that were pruned, and what was being written when its writer was killed. All ages are by the
/// storage's own clock.
/// </summary>
/// <param name="nodes">Those that serve the content: what others have noted does not count.</param>
internal sealed class TreeRetention(StaticStore store, IReadOnlyCollection<string> nodes)
{
    internal const string Doomed = ".doomed";

    /// <summary>From when no node serves it any more: a client may have a file open, and a node may be about to serve what was the newest when it looked.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromHours(1);

    /// <summary>Nobody publishes for longer.</summary>
    private static readonly TimeSpan Abandoned = TimeSpan.FromDays(2);

    public void Run(CancellationToken cancellation) => SharedStorage.Reach(store.Trees, () =>
    {
        // The clock before the log: no age is taken for more than it was when the log was read.
        var clock = new StorageClock(store.Archive.Layout);
        var records = store.Archive.Log.ReadFrom(1, cancellation).ToList();
        var needed = Line.Of(records).Dumps.Select(dump => dump.Content.Manifest.Pack).ToHashSet(StringComparer.Ordinal);
        var ever = records.OfType<DumpRecord>().Select(dump => dump.Content.Manifest.Pack).ToHashSet(StringComparer.Ordinal);
        foreach (var pack in store.Archive.Packs.Own().Where(pack => !ever.Contains(pack.ToString())))
        {
            DeleteIfOlder(clock, store.Archive.Layout.Pack(pack.ToString()), Abandoned);
        }

        foreach (var name in DirectoryNames.Of(store.Root).Names.Where(name => name.StartsWith(".switched.", StringComparison.Ordinal)))
        {
            DeleteIfOlder(clock, Path.Combine(store.Root, name), Abandoned);
        }

        if (FileStatus.TryRead(store.Trees) is null)
        {
            return;
        }

        if (Served() is not { } served)
        {
            return;
        }

        needed.UnionWith(served);
        foreach (var name in DirectoryNames.Of(store.Trees).Names.Where(name => !name.EndsWith(Doomed, StringComparison.Ordinal)))
        {
            cancellation.ThrowIfCancellationRequested();
            var tree = Path.Combine(store.Trees, name);
            var mark = tree + Doomed;
            if (name.StartsWith('.') || !ever.Contains(name))
            {
                DeleteIfOlder(clock, tree, Abandoned);
            }
            else if (needed.Contains(name))
            {
                File.Delete(mark);
            }
            else if (clock.AgeOf(mark) is not { } age)
            {
                File.WriteAllBytes(mark, []);
            }
            else if (age > Grace)
            {
                Trash.Delete(tree);
                File.Delete(mark);
            }
        }
    });

    /// <returns>Null when a node's note cannot be read: then nothing is deleted.</returns>
    private IEnumerable<string>? Served()
    {
        if (!Directory.Exists(store.Serving))
        {
            return [];
        }

        var notes = DirectoryNames.Of(store.Serving).Names.Where(nodes.Contains)
            .Select(node => SealedJson.TryRead(Path.Combine(store.Serving, node), StaticJson.Default.ServingRecord)).ToList();
        return notes.Contains(null) ? null : notes.SelectMany(note => note!.Files);
    }

    private static void DeleteIfOlder(StorageClock clock, string path, TimeSpan limit)
    {
        if (clock.AgeOf(path) is { } age && age > limit)
        {
            Trash.Delete(path);
        }
    }
}
