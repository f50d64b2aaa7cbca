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

    private RehearsalPlace(string path, bool lasts)
    {
        Path = path;
        Lasts = lasts;
    }

    public string Path { get; }

    /// <summary>Beside live content, and so the place of every rehearsal on this node; otherwise there for one alone.</summary>
    public bool Lasts { get; }

    private string Above => System.IO.Path.GetDirectoryName(Path)!;

    private string HistoryFile => System.IO.Path.Combine(Path, "history.json");

    /// <summary>On the file system of a live path, which is where a takeover would restore to.</summary>
    public static RehearsalPlace Beside(string livePath)
    {
        var beside = MarkerDirectory.PathBeside(System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(livePath)));
        return new RehearsalPlace(System.IO.Path.Combine(beside, "rehearsal"), lasts: true);
    }

    public static RehearsalPlace In(string directory, string service) =>
        new(System.IO.Path.Combine(System.IO.Path.GetFullPath(directory), $"clusterfs-rehearsal.{service}"), lasts: false);

    /// <summary>Takes it for this process, and deletes what one that died has left.</summary>
    /// <exception cref="RehearsalUnderWayException">Another process has it.</exception>
    public DirectoryLock Take()
    {
        Durable.CreateDirectory(Lasts ? System.IO.Path.GetDirectoryName(Above)! : Above);
        Directory.CreateDirectory(Above, Private);
        Directory.CreateDirectory(Path, Private);
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
    public void Delete(string run)
    {
        MarkedProcesses.Kill(run);
        if (FileStatus.TryRead(TreeOf(run)) is not null)
        {
            ScratchTree.Delete(TreeOf(run));
        }
    }

    /// <summary>What is remembered; nothing, when that cannot be read.</summary>
    public RehearsalHistory History(string service) =>
        Directory.Exists(Path) && SealedJson.TryRead(HistoryFile, RehearsalJson.Default.HistoryRecord) is { Format: HistoryRecord.Version } record
        && record.Service == service
            ? new RehearsalHistory(record.Last, record.LastPassed)
            : RehearsalHistory.None;

    public void Remember(string service, RehearsalHistory history) => Durable.Replace(
        HistoryFile, SealedJson.Write(new HistoryRecord(service, history.Last, history.LastPassed), RehearsalJson.Default.HistoryRecord));

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
