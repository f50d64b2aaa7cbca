using System.Text.Json.Serialization;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Rehearsal;

/// <summary>
/// Where dumps are restored for a rehearsal, by one process at a time, and what is remembered of the newest ones. Nothing but rehearsals use it, so
/// nobody else ever waits for one.
/// </summary>
internal sealed class RehearsalPlace
{
    private const string Prefix = "restored.";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly bool _byHand;

    private RehearsalPlace(string path, bool lasts, bool byHand)
    {
        Path = path;
        Lasts = lasts;
        _byHand = byHand;
    }

    public string Path { get; }

    /// <summary>Beside live content, and so the place of every rehearsal on this node; otherwise there for one alone.</summary>
    public bool Lasts { get; }

    private string Above => System.IO.Path.GetDirectoryName(Path)!;

    private string HistoryFile => System.IO.Path.Combine(Path, "history.json");

    /// <summary>On the file system of a live path, which is where a takeover would restore to.</summary>
    /// <param name="byHand">Whether it is somebody at the command line who asks, who may be another user than the daemon is.</param>
    public static RehearsalPlace Beside(string livePath, bool byHand)
    {
        var beside = MarkerDirectory.PathBeside(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(livePath)));
        return new RehearsalPlace(System.IO.Path.Combine(beside, "rehearsal"), lasts: true, byHand);
    }

    /// <summary>Of a name that nobody can have foreseen: others may write in the directory too, and what they put there is not ours to trust or delete.</summary>
    public static RehearsalPlace In(string directory, string service) => new(
        System.IO.Path.Combine(System.IO.Path.GetFullPath(directory), $"clusterfs-rehearsal.{service}.{Guid.NewGuid():N}"), lasts: false, byHand: true);

    /// <summary>Takes it for this process, and deletes what one that died has left.</summary>
    /// <exception cref="RehearsalUnderWayException">Another process has it.</exception>
    /// <exception cref="LocalContentException">It is another user's.</exception>
    public DirectoryLock Take()
    {
        Make();
        var taken = DirectoryLock.TryTake(Path) ?? throw new RehearsalUnderWayException(Path);
        try
        {
            DeleteLeft();
            return taken;
        }
        catch
        {
            taken.Dispose();
            throw;
        }
    }

    /// <summary>Deletes what a place of its own is made of, when nothing is left in it.</summary>
    /// <exception cref="IOException">Something is.</exception>
    public void Vanish()
    {
        File.Delete(System.IO.Path.Combine(Path, "lock"));
        Directory.Delete(Path);
    }

    /// <summary>Deletes what a process that died has left. One that lives is left alone.</summary>
    public void PutInOrder()
    {
        if (!Directory.Exists(Path) || !Left().Any())
        {
            return;
        }

        using var taken = DirectoryLock.TryTake(Path);
        if (taken is not null)
        {
            DeleteLeft();
        }
    }

    /// <summary>Where the content goes whose rehearsal has this name. The check's processes bear it too, so that whoever finds the one finds the other.</summary>
    public string TreeOf(string run) => System.IO.Path.Combine(Path, Prefix + run);

    /// <summary>Lets the owner's group reach the restored content by its name: a check may give up the rights of root.</summary>
    public void LetReach(string tree)
    {
        if (Processes.IsRoot && FileStatus.TryRead(tree) is { } status)
        {
            GroupPassage.Open(Path, status.Group);
            if (Lasts)
            {
                GroupPassage.Open(Above, status.Group);
            }
        }
    }

    /// <summary>Ends what the check has left running, then deletes the content.</summary>
    /// <exception cref="LocalContentException">The check has left something mounted there, which may hold what is not ours to delete.</exception>
    public void Delete(string run)
    {
        var tree = System.IO.Path.Combine(MountPoints.RealPathOf(Path), Prefix + run);
        MarkedProcesses.Kill(run, tree);
        if (FileStatus.TryRead(tree) is null)
        {
            return;
        }

        var mounted = MountPoints.Below(System.IO.Path.GetDirectoryName(tree)!)
            .FirstOrDefault(path => path == tree || path.StartsWith(tree + "/", StringComparison.Ordinal));
        if (mounted is not null)
        {
            throw new LocalContentException(
                $"{mounted} is mounted inside what was restored, so nothing there is deleted: it may be other content. Unmount it: umount '{mounted}'");
        }

        ScratchTree.Delete(tree);
    }

    /// <summary>What is remembered; nothing, when that cannot be read.</summary>
    public RehearsalHistory History(string service) =>
        Directory.Exists(Path) && SealedJson.TryRead(HistoryFile, RehearsalJson.Default.HistoryRecord) is { Format: HistoryRecord.Version } record
        && record.Service == service
            ? new RehearsalHistory(record.Last, record.LastPassed)
            : RehearsalHistory.None;

    public void Remember(string service, RehearsalHistory history) => Durable.Replace(
        HistoryFile, SealedJson.Write(new HistoryRecord(service, history.Last, history.LastPassed), RehearsalJson.Default.HistoryRecord));

    private void Make()
    {
        if (!Lasts)
        {
            Durable.CreateDirectory(Above);
            if (!Durable.TryMakeDirectory(Path))
            {
                throw new LocalContentException($"{Path} is there already. Try again.");
            }

            return;
        }

        var beside = System.IO.Path.GetDirectoryName(Above)!;
        if (_byHand)
        {
            RequireOwn([Path, Above, beside]);
        }

        Durable.CreateDirectory(beside);
        Directory.CreateDirectory(Above, Private);
        Directory.CreateDirectory(Path, Private);
    }

    /// <summary>What another user made here, the daemon could not use or delete, and a takeover needs the directory above.</summary>
    private static void RequireOwn(string[] nearestFirst)
    {
        foreach (var directory in nearestFirst)
        {
            if (FileStatus.TryRead(directory) is { } status)
            {
                if (status.User != Processes.EffectiveUser)
                {
                    throw new LocalContentException(
                        $"{directory} is of user {status.User}, and this command runs as user {Processes.EffectiveUser}: the daemon could not use what it "
                        + "made there. Run it as the user that the daemon runs as, or name another place: --scratch DIR.");
                }

                return;
            }
        }
    }

    private void DeleteLeft()
    {
        foreach (var left in Left().ToList())
        {
            Delete(System.IO.Path.GetFileName(left)[Prefix.Length..]);
        }
    }

    private IEnumerable<string> Left() => Directory.EnumerateDirectories(Path, Prefix + "*");
}

internal sealed record HistoryRecord(string Service, RehearsalReport? Last, RehearsalReport? LastPassed)
{
    public const int Version = 1;

    public int Format { get; init; } = Version;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HistoryRecord))]
internal sealed partial class RehearsalJson : JsonSerializerContext;
