using ClusterFs.Posix;

namespace ClusterFs.Archive.Packs;

/// <summary>
/// Keeps the files of an archive few: packs are copied into bundles, many bundles into a larger one, and deleted once the bundle is durable and
/// was read back. Nothing that refers to a pack changes, because a pack keeps its name and its bytes. Two that do it at once make packs lie in two
/// bundles, which costs space and harms nothing; a reader that loses a file under its hands finds the pack again by its name.
/// </summary>
internal sealed class PackCompaction(ArchiveLayout layout, PackStore store)
{
    /// <summary>So many files of one level become one of the next.</summary>
    public const int Width = 32;

    /// <summary>Larger files stay as they are: there are few of them, and copying them costs more than it saves.</summary>
    private const long MaxSource = 128 << 20;
    private const int MaxLevel = 3;

    private readonly HashSet<string> _damaged = new(StringComparer.Ordinal);

    /// <returns>How many files became part of another one.</returns>
    public int Run(CancellationToken cancellation) => SharedStorage.Reach(layout.Packs, () =>
    {
        var done = 0;
        for (var level = 0; level < MaxLevel; level++)
        {
            if (Directory.EnumerateFiles(layout.Packs, PatternOf(level)).Take(Width).Count() < Width)
            {
                continue;
            }

            DeleteBundled(level);
            List<string> sources;
            while ((sources = FilesOf(level)).Count >= Width)
            {
                done += Bundle(sources[..Width], level + 1, cancellation);
            }
        }

        return done;
    });

    private static string PatternOf(int level) => level == 0 ? $"*{BundleFormat.PackExtension}" : $"*.{level}{BundleFormat.Extension}";

    private List<string> FilesOf(int level) => new DirectoryInfo(layout.Packs).EnumerateFiles(PatternOf(level))
        .Where(file => file.Length <= MaxSource && !_damaged.Contains(file.FullName))
        .OrderBy(file => file.LastWriteTimeUtc)
        .ThenBy(file => file.Name, StringComparer.Ordinal)
        .Select(file => file.FullName)
        .ToList();

    /// <summary>A crash leaves files behind that a bundle has taken in already.</summary>
    private void DeleteBundled(int level)
    {
        var bundles = store.Bundles();
        var above = bundles.Where(bundle => BundleFormat.LevelOf(bundle.Key) > level).SelectMany(bundle => bundle.Value).Select(pack => pack.Pack).ToHashSet();

        // Whoever published the bundle may have died before its name was durable.
        Durable.SyncDirectory(layout.Packs);
        foreach (var file in FilesOf(level))
        {
            var packs = level == 0 ? [BundleFormat.PackOf(file)]
                : bundles.TryGetValue(file, out var table) ? table.Select(pack => pack.Pack)
                : [];
            if (packs.Any() && packs.All(above.Contains))
            {
                File.Delete(file);
            }
        }
    }

    /// <returns>How many files became part of the bundle; none if one is damaged, which is then left out of the next.</returns>
    private int Bundle(List<string> sources, int level, CancellationToken cancellation)
    {
        var nonce = Guid.NewGuid().ToString("N");
        var temporary = layout.NewTemporary(nonce);
        try
        {
            using (var writer = new BundleWriter(temporary))
            {
                if (!sources.TrueForAll(source => IsSound(source, () => writer.Append(source, cancellation))))
                {
                    return 0;
                }

                writer.Finish();
                if (!sources.TrueForAll(source => IsSound(source, () => writer.Verify(source, cancellation))))
                {
                    return 0;
                }
            }

            SharedStorage.Publish(temporary, layout.Bundle(nonce, level));
        }
        finally
        {
            File.Delete(temporary);
        }

        sources.ForEach(File.Delete);
        return sources.Count;
    }

    private bool IsSound(string source, Action use)
    {
        try
        {
            use();
            return true;
        }
        catch (DamagedArchiveException)
        {
            // Whoever reads or verifies it says so. Here it must only not keep the others from being bundled.
            _damaged.Add(source);
            return false;
        }
    }
}
