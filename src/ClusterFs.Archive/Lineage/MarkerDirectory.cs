using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

/// <summary>The directory beside the live content, on the same file system: marker, index, staging.</summary>
internal sealed class MarkerDirectory : IDisposable
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const string StandbyName = "standby";

    private readonly DirectoryLock _lock;

    private MarkerDirectory(string path, DirectoryLock taken)
    {
        Path = path;
        _lock = taken;
        foreach (var directory in (string[])[Staging, Previous, Scratch, Pages, Standby, Kept, Changing.Path])
        {
            Directory.CreateDirectory(directory, Private);
        }
    }

    public string Path { get; }

    /// <summary>Where content is built before it becomes live.</summary>
    public string Staging => System.IO.Path.Combine(Path, "staging");

    /// <summary>Where content goes that is live no more, to be deleted.</summary>
    public string Previous => System.IO.Path.Combine(Path, "previous");

    /// <summary>Copies of databases under capture, snapshots, what a capture command writes; of no use after a crash.</summary>
    public string Scratch => System.IO.Path.Combine(Path, "scratch");

    /// <summary>A copy of a dump that a takeover puts in the place of the live content, and what says which dump it is.</summary>
    public string Standby => System.IO.Path.Combine(Path, StandbyName);

    /// <summary>Large files as of the newest dump. See <see cref="KeptFiles"/>.</summary>
    public string Kept => System.IO.Path.Combine(Path, "kept");

    /// <summary>Where the live tree is changed in place. Not among the others: what lies there while a change is pending is the content.</summary>
    public ChangeDirectory Changing => new(System.IO.Path.Combine(Path, "changing"));

    public string MarkerFile => System.IO.Path.Combine(Path, "lineage.json");

    /// <summary>The entries of the newest dump, and the identities of their files.</summary>
    public string IndexFile => System.IO.Path.Combine(Path, "index");

    /// <summary>What the live files looked like when a capture command copied them.</summary>
    public string SeenFile => System.IO.Path.Combine(Path, "seen");

    /// <summary>There while the service may stand still for a dump.</summary>
    public string QuiesceFile => System.IO.Path.Combine(Path, "quiesced.json");

    /// <summary>Hashes of the pages of large files.</summary>
    public string Pages => System.IO.Path.Combine(Path, "pages");

    /// <summary>Creates the directory and locks it against other processes.</summary>
    /// <exception cref="LocalContentException">Another process has it, or it cannot be made.</exception>
    public static MarkerDirectory Open(string livePath)
    {
        var path = PathBeside(livePath);
        try
        {
            Durable.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
            Directory.CreateDirectory(path, Private);
            Durable.SyncDirectory(System.IO.Path.GetDirectoryName(path)!);
            var taken = DirectoryLock.TryTake(path)
                ?? throw new LocalContentException($"{path} is in use by another process. Only one daemon may look after {livePath}.");
            return new MarkerDirectory(path, taken);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
        {
            throw new LocalContentException($"{path} cannot be used: {error.Message} The daemon must be able to write beside {livePath}.", error);
        }
    }

    /// <param name="livePath">Absolute, without a separator at its end.</param>
    public static string PathBeside(string livePath) =>
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(livePath)!, $".{System.IO.Path.GetFileName(livePath)}.clusterfs");

    /// <summary>Whether the standby directory beside a live path holds anything.</summary>
    public static bool HasStandby(string livePath)
    {
        var standby = System.IO.Path.Combine(PathBeside(livePath), StandbyName);
        return Directory.Exists(standby) && Directory.EnumerateFileSystemEntries(standby).Any();
    }

    /// <summary>Whether there ever was a marker, be it readable or not.</summary>
    public bool HasMarker => File.Exists(MarkerFile);

    /// <returns>Null when there is none, or when it proves nothing because it cannot be read or is another service's or node's.</returns>
    public LineageMarker? Load(string service, string node) =>
        Read() is { IsKnown: true } marker && marker.Service == service && marker.Node == node ? marker : null;

    /// <returns>Whosever it is and whichever version wrote it; null when there is none, or it cannot be read.</returns>
    public LineageMarker? Read() => SealedJson.TryRead(MarkerFile, MarkerJson.Default.LineageMarker);

    public void Save(LineageMarker marker) => Durable.Replace(MarkerFile, SealedJson.Write(marker, MarkerJson.Default.LineageMarker));

    /// <summary>Forgets what the content is: no epoch opened it.</summary>
    public void RemoveMarker()
    {
        File.Delete(MarkerFile);
        Durable.SyncDirectory(Path);
    }

    /// <summary>Deletes what an earlier operation left. Only while no exchange and no change is pending.</summary>
    /// <param name="deleting">Told of each that is no directory, right before; not of what was left of a change in place.</param>
    public void CleanUp(Action<FileStatus>? deleting = null)
    {
        Changing.CleanUp();
        foreach (var directory in (string[])[Staging, Previous, Scratch])
        {
            foreach (var left in Directory.EnumerateFileSystemEntries(directory).ToList())
            {
                try
                {
                    ScratchTree.Delete(left, deleting);
                }
                catch (PosixException) when (Btrfs.IsSubvolume(left))
                {
                    // It may be that only root can delete it. It is in nobody's way.
                    continue;
                }
            }
        }
    }

    public void Dispose() => _lock.Dispose();
}
