using System.Globalization;
using System.Text.Json;
using ClusterFs.Content.Placing;
using ClusterFs.Posix;

namespace ClusterFs.Content.Config.Rollout;

/// <summary>
/// What the nodes tell one another of one config file, on shared storage: a log of states, whose slots are taken by exclusive creation of complete
/// files, and the versions that they are about. Every call may hang with shared storage.
/// </summary>
/// <param name="root">The shared directory.</param>
/// <param name="directory">Of this config file, below it.</param>
/// <param name="name">What a version is called in its directory, whatever the source is called.</param>
internal sealed class RolloutLog(string root, string directory, string name)
{
    /// <summary>So many slots stay: one who has looked at the newest, and writes the next one, is never so far behind.</summary>
    private const int Kept = 64;

    private static readonly TimeSpan PruneAfter = TimeSpan.FromHours(1);

    private const string Suffix = ".json";

    private string Slots => Path.Combine(directory, "log");

    private string Versions => Path.Combine(directory, "versions");

    public string DirectoryOf(string version) => Path.Combine(Versions, version);

    /// <summary>The newest state.</summary>
    /// <returns>Null when there is none yet.</returns>
    /// <exception cref="SharedAwayException">Shared storage is away.</exception>
    /// <exception cref="ConfigException">A state cannot be understood.</exception>
    public RolloutState? Read() => Reach(() =>
    {
        RequireShared();
        var newest = Numbers().DefaultIfEmpty().Max();
        var state = newest == 0 ? null : ReadSlot(newest);

        // A listing may be old: what follows is asked for by name.
        while (ReadSlot((state?.Number ?? 0) + 1) is { } next)
        {
            state = next;
        }

        return state;
    });

    /// <summary>Takes the next slot.</summary>
    /// <returns>False when somebody else has it.</returns>
    /// <exception cref="SharedAwayException">Shared storage is away: whether it was taken is seen later.</exception>
    public bool TryAppend(RolloutState state) => Reach(() =>
    {
        RequireShared();
        MakeDirectory(Slots);
        var temporary = Path.Combine(directory, $".{state.Nonce}");
        try
        {
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                stream.Write(JsonSerializer.SerializeToUtf8Bytes(state, RolloutJson.Default.RolloutState));
                stream.Flush(flushToDisk: true);
            }

            // A network file system that retried says "taken" of one's own.
            if (!Durable.TryLink(temporary, FileOf(state.Number)) && ReadSlot(state.Number)?.Nonce != state.Nonce)
            {
                return false;
            }

            Durable.SyncDirectory(Slots);
        }
        finally
        {
            File.Delete(temporary);
        }

        // One who slept for so long that its slot was pruned meanwhile has taken one that nobody will look at.
        return Numbers().Max() - state.Number < Kept;
    });

    /// <summary>Copies a version from the source to where it stays as it is, for every node.</summary>
    /// <param name="source">Relative to the shared directory.</param>
    /// <exception cref="ConfigException">The source is another version by now.</exception>
    public void Publish(string version, string source) => Reach(() =>
    {
        RequireShared();
        MakeDirectory(Versions);
        if (Holds(version))
        {
            // Whoever prunes sees by it that somebody wants it again.
            var used = Path.Combine(DirectoryOf(version), ".used");
            File.Create(used).Dispose();
            File.Delete(used);
            return true;
        }

        var temporary = Path.Combine(Versions, $".{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(temporary);
            Tree.CopyVersion(root, source, Path.Combine(temporary, name));
            if (Tree.VersionOf(temporary, name) != version)
            {
                throw new ConfigException($"{Path.Combine(root, source)}: somebody is writing it; it is used once it stays as it is");
            }

            Durable.SyncDirectory(temporary);
            if (!Durable.TryRenameToFree(temporary, DirectoryOf(version)) && !Holds(version))
            {
                // Somebody has damaged it, or deleted a part.
                Durable.Rename(DirectoryOf(version), Path.Combine(Versions, $".{Guid.NewGuid():N}"));
                if (!Durable.TryRenameToFree(temporary, DirectoryOf(version)) && !Holds(version))
                {
                    throw new ConfigException($"{DirectoryOf(version)}: is damaged; move it away");
                }
            }

            Durable.SyncDirectory(Versions);
            return true;
        }
        finally
        {
            if (Directory.Exists(temporary))
            {
                Directory.Delete(temporary, recursive: true);
            }
        }
    });

    /// <summary>
    /// Deletes what no node needs any more, by the newest state as it is now, and only what was there long before it: between the publication of a
    /// version and its first slot, and while this node slept, nobody knows who needs what. Age is told by the storage's own clock alone. Nothing is
    /// deleted under its name: half a version must not be taken for one.
    /// </summary>
    public void Prune() => Reach(() =>
    {
        if (Read() is not { } newest)
        {
            return true;
        }

        foreach (var number in Numbers().Where(number => number <= newest.Number - Kept))
        {
            File.Delete(FileOf(number));
        }

        var old = File.GetLastWriteTimeUtc(FileOf(newest.Number)) - PruneAfter;
        foreach (var path in Directory.EnumerateDirectories(Versions).Where(path => Directory.GetLastWriteTimeUtc(path) < old))
        {
            var version = Path.GetFileName(path);
            if (version.StartsWith('.'))
            {
                Directory.Delete(path, recursive: true);
            }
            else if (version != newest.Good && version != newest.Rollout.Version)
            {
                var away = Path.Combine(Versions, $".{Guid.NewGuid():N}");
                Durable.Rename(path, away);
                Directory.Delete(away, recursive: true);
            }
        }

        foreach (var left in Directory.EnumerateFiles(directory, ".*").Where(path => File.GetLastWriteTimeUtc(path) < old))
        {
            File.Delete(left);
        }

        return true;
    });

    private bool Holds(string version)
    {
        try
        {
            return Tree.VersionOf(DirectoryOf(version), name) == version;
        }
        catch (Exception problem) when (problem is FileNotFoundException or PlacingException)
        {
            return false;
        }
    }

    private string FileOf(long number) => Path.Combine(Slots, number.ToString("D10", CultureInfo.InvariantCulture) + Suffix);

    private IEnumerable<long> Numbers()
    {
        try
        {
            // Opened, because a network file system may else say for up to a minute that what was made elsewhere is not there.
            using var opened = UnlockedFile.OpenDirectory(Slots);
            return [.. DirectoryNames.Of(Slots).Names
                .Where(slot => slot.EndsWith(Suffix, StringComparison.Ordinal))
                .Select(slot => long.TryParse(slot[..^Suffix.Length], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0)];
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return [];
        }
    }

    private RolloutState? ReadSlot(long number)
    {
        try
        {
            var state = JsonSerializer.Deserialize(File.ReadAllBytes(FileOf(number)), RolloutJson.Default.RolloutState);
            return state is { Format: RolloutState.CurrentFormat } && state.Number == number
                ? state
                : throw new ConfigException($"{FileOf(number)}: was written by another version of ClusterFs, or is damaged");
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException damage)
        {
            throw new ConfigException($"{FileOf(number)}: is damaged: {damage.Message}", damage);
        }
    }

    private static void MakeDirectory(string path)
    {
        if (!Directory.Exists(path))
        {
            // Of nobody's business but the daemons': it may hold passwords.
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Durable.SyncDirectory(Path.GetDirectoryName(path)!);
        }
    }

    /// <summary>A bare mount point must not be taken for shared storage.</summary>
    private void RequireShared()
    {
        var marker = Path.Combine(root, "clusterfs");
        if (!Directory.Exists(marker))
        {
            throw new SharedAwayException($"shared storage at {root} is away: there is no {marker}");
        }
    }

    private T Reach<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new SharedAwayException($"shared storage at {root} cannot be used: {problem.Message.TrimEnd('.')}", problem);
        }
    }
}
