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
        Name, MountCheck.HungMeaning, MountCheck.HungRemedy, () =>
        {
            try
            {
                using var directory = DoctorDirectory.Open(settings.Shared.Path, settings.Node.Name);
                return Judge(Look(directory, settings.Node.Name)).ToList();
            }
            catch (UntrustedDirectoryException e)
            {
                return [Untrusted(Name, e, settings)];
            }
        })
    {
        Patience = TimeSpan.FromSeconds(10),
    };

    /// <summary>Whoever made that directory has not made this node unfit.</summary>
    public static Finding Untrusted(string name, UntrustedDirectoryException e, Settings settings) => Finding.Warning(
        name, e.Message, "nothing was tried there: whoever may write there could lead root elsewhere",
        $"rm -r {DoctorDirectory.PathIn(settings.Shared.Path)}, and run doctor as the user that the daemon runs as");

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
    public static ImmutableArray<StepSeen> Look(OpenDirectory directory, string node)
    {
        var name = DoctorDirectory.NewName(node);
        _ = Durable.TryMakeDirectory(directory[name]);
        using var scratch = directory.TryOpenBelow(name) ?? throw new IOException($"a directory that was made is not there: {name}");
        try
        {
            Sweep(() => DoctorDirectory.Clean(directory, node, scratch));
            return [.. Enum.GetValues<StorageStep>().Select(step => Try(step, scratch))];
        }
        finally
        {
            Sweep(() =>
            {
                DoctorDirectory.Empty(scratch);
                _ = Durable.TryRemoveDirectory(directory[name]);
            });
        }
    }

    /// <summary>What cannot be removed is nothing beside what was measured; the next doctor removes it.</summary>
    private static void Sweep(Action remove)
    {
        try
        {
            remove();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The steps tell what the storage does not do.
        }
    }

    private static StepSeen Try(StorageStep step, OpenDirectory scratch)
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
            attempt(scratch[$"{step}"]);
            return new StepSeen(step, Stopwatch.GetElapsedTime(began), null);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new StepSeen(step, Stopwatch.GetElapsedTime(began), scratch.Readable(e.Message));
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
