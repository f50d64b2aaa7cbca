using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>What the archive's log is made with.</summary>
internal enum StorageStep
{
    ExclusiveCreate,
    Link,
    LinkAgain,
    RenameOver,
    MakeDirectory,
    SyncFile,
    SyncDirectory,
}

/// <param name="Problem">What it did instead; null when it did what it should.</param>
internal sealed record StepSeen(StorageStep Step, TimeSpan Took, string? Problem);

/// <summary>Whether shared storage does what one line of dumps rests on. Works in a directory of its own there, which it removes.</summary>
internal static class StorageCheck
{
    private const string Name = "shared storage";

    private static readonly TimeSpan Slow = TimeSpan.FromSeconds(1);

    public static Check Create(Settings settings) => new(
        Name, MountCheck.HungMeaning, MountCheck.HungRemedy, () => Judge(Look(PlaceIn(settings), settings.Node.Name)))
    {
        Patience = TimeSpan.FromSeconds(10),
    };

    /// <summary>What doctors of all nodes leave for one another, and work in.</summary>
    public static string PlaceIn(Settings settings)
    {
        var root = Path.Combine(settings.Shared.Path, "clusterfs");
        return Directory.Exists(root)
            ? Path.Combine(root, "doctor")
            : throw new IOException($"there is no {root}: is {settings.Shared.Path} mounted, and set up?");
    }

    public static IEnumerable<Finding> Judge(ImmutableArray<StepSeen> steps)
    {
        var failed = steps.Where(step => step.Problem is not null).ToList();
        foreach (var step in failed)
        {
            yield return Finding.Failure(
                Name, $"{WordsOf(step.Step)}: {step.Problem}", MeaningOf(step.Step), "use a file system that does (NFS 4, CephFS, GlusterFS), mounted read-write for root");
        }

        foreach (var step in steps.Except(failed).Where(step => step.Took > Slow))
        {
            yield return Finding.Warning(
                Name, $"{WordsOf(step.Step)} took {Milliseconds(step.Took)}", "each dump and each takeover takes several of these one after the other",
                "look at the storage and the network to it");
        }

        if (failed.Count == 0)
        {
            yield return Finding.Ok(
                Name,
                string.Join(", ", steps.Select(step => $"{WordsOf(step.Step)} {Milliseconds(step.Took)}")),
                "all do what the log of dumps needs");
        }
    }

    /// <exception cref="IOException">Nothing can be written there.</exception>
    public static ImmutableArray<StepSeen> Look(string place, string node)
    {
        Durable.CreateDirectory(place);
        var directory = Path.Combine(place, $"{node}-{Guid.NewGuid():N}");
        Directory.CreateDirectory(directory);
        try
        {
            return [.. Enum.GetValues<StorageStep>().Select(step => Try(step, Path.Combine(directory, $"{step}")))];
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static StepSeen Try(StorageStep step, string path)
    {
        Action<string> attempt = step switch
        {
            StorageStep.ExclusiveCreate => CreateExclusively,
            StorageStep.Link => Link,
            StorageStep.LinkAgain => LinkAgain,
            StorageStep.RenameOver => RenameOver,
            StorageStep.MakeDirectory => MakeDirectory,
            StorageStep.SyncFile => SyncFile,
            StorageStep.SyncDirectory => directory => Durable.SyncDirectory(Path.GetDirectoryName(directory)!),
            _ => throw new ArgumentOutOfRangeException(nameof(step), step, "unknown step"),
        };
        var began = Stopwatch.GetTimestamp();
        try
        {
            attempt(path);
            return new StepSeen(step, Stopwatch.GetElapsedTime(began), null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new StepSeen(step, Stopwatch.GetElapsedTime(began), e.Message);
        }
    }

    private static void CreateExclusively(string path)
    {
        using (new FileStream(path, FileMode.CreateNew))
        {
            // The name is taken from now on.
        }

        try
        {
            using var second = new FileStream(path, FileMode.CreateNew);
        }
        catch (IOException)
        {
            return;
        }

        throw new IOException("a name was given away twice");
    }

    private static void Link(string path)
    {
        File.WriteAllText($"{path}.complete", "");
        if (!Durable.TryLink($"{path}.complete", path))
        {
            throw new IOException("a name that was free was taken");
        }

        if (FileStatus.TryRead(path) is not { Links: 2 })
        {
            throw new IOException("a file with two names does not say that it has two");
        }
    }

    /// <summary>A network file system that repeats a call whose answer was lost says that the name is taken: what is there tells whose it is.</summary>
    private static void LinkAgain(string path)
    {
        var nonce = Guid.NewGuid().ToString("N");
        File.WriteAllText($"{path}.complete", nonce);
        _ = Durable.TryLink($"{path}.complete", path);
        if (Durable.TryLink($"{path}.complete", path))
        {
            throw new IOException("a name was given away twice");
        }

        if (File.ReadAllText(path) != nonce)
        {
            throw new IOException("what was linked is not what is read");
        }
    }

    private static void RenameOver(string path)
    {
        File.WriteAllText(path, "old");
        File.WriteAllText($"{path}.new", "new");
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete), Encoding.UTF8);
        File.Move($"{path}.new", path, overwrite: true);
        if (File.ReadAllText(path) != "new")
        {
            throw new IOException("the old content is still there");
        }

        if (reader.ReadToEnd() != "old")
        {
            throw new IOException("who had the old content open no longer reads it");
        }
    }

    private static void MakeDirectory(string path)
    {
        if (!Durable.TryMakeDirectory(path) || Durable.TryMakeDirectory(path))
        {
            throw new IOException("who makes a directory first cannot be told");
        }
    }

    private static void SyncFile(string path)
    {
        using var file = new FileStream(path, FileMode.CreateNew);
        file.Write(new byte[4096]);
        file.Flush(flushToDisk: true);
    }

    private static string WordsOf(StorageStep step) => step switch
    {
        StorageStep.ExclusiveCreate => "exclusive create",
        StorageStep.Link => "link",
        StorageStep.LinkAgain => "repeated link",
        StorageStep.RenameOver => "rename over",
        StorageStep.MakeDirectory => "exclusive mkdir",
        StorageStep.SyncFile => "fsync of a file",
        StorageStep.SyncDirectory => "fsync of a directory",
        _ => throw new ArgumentOutOfRangeException(nameof(step), step, "unknown step"),
    };

    private static string MeaningOf(StorageStep step) => step switch
    {
        StorageStep.ExclusiveCreate or StorageStep.Link or StorageStep.LinkAgain =>
            "dumps and claims of ownership take numbered names on it: two nodes could take one, and the line of dumps would fork",
        StorageStep.RenameOver => "a file that is replaced could be read half",
        StorageStep.MakeDirectory => "two nodes could publish into one directory",
        _ => "a dump counts when its bytes and names were synced: what is acknowledged could be lost",
    };

    private static string Milliseconds(TimeSpan time) => $"{time.TotalMilliseconds:0.#} ms";
}
