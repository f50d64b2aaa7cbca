using System.Globalization;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Logs.Links;

/// <summary>What is left to be moved of a directory.</summary>
/// <param name="IsDone">Nothing: the directory is gone.</param>
/// <param name="StillOpen">Files that are copied as far as they go, and that some process may still write to.</param>
/// <param name="Problem">What is in the way; null when nothing is.</param>
internal sealed record MoveOutcome(bool IsDone, int StillOpen, string? Problem);

/// <summary>
/// Moves a directory of logs from this node's disk to shared storage, while services may still write to files that they have open. A copy is a
/// beginning of its file at any time and only grows; a file is deleted when the kernel says that nobody has it open for writing, and its copy
/// was synced and read back. So a crash at any point loses and doubles nothing. Nobody may create, rename or compress files there meanwhile: nothing
/// leads to the directory any more. Not safe for several threads.
/// </summary>
/// <param name="from">On this node's disk. What was copied is noted beside it.</param>
/// <param name="to">On shared storage; not there before, or left by an earlier call.</param>
/// <param name="maySettle">Whether files may be taken for closed: a process that was opening one is through.</param>
/// <param name="atPoint">Told of every point at which a crash leaves something new.</param>
internal sealed class LogMove(string from, string to, Func<bool> maySettle, Action<string> atPoint)
{
    /// <summary>Of the file that notes how far a directory was copied.</summary>
    public const string NotesSuffix = ".moved";

    private const int Step = 1024 * 1024;

    /// <summary>A crash copies so much anew at most.</summary>
    private const long BetweenNotes = 32 * Step;

    private readonly byte[] _buffer = new byte[Step];
    private readonly byte[] _other = new byte[Step];
    private MoveProgress _progress = null!;
    private string? _problem;
    private int _stillOpen;

    /// <exception cref="IOException">Shared storage or the disk fails.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public MoveOutcome Run(CancellationToken cancellation)
    {
        _progress = MoveProgress.Load(NotesOf(from));
        if (DirectoryOwner.Of(from) is not null && (!_progress.IsEmpty || Directory.EnumerateFileSystemEntries(from).Any() || DirectoryOwner.Of(to) is not null))
        {
            MoveDirectory("", cancellation);
        }
        else
        {
            _ = Durable.TryRemoveDirectory(from);
        }

        var isDone = DirectoryOwner.Of(from) is null;
        if (isDone)
        {
            _progress.Delete();
        }

        return new MoveOutcome(isDone, _stillOpen, _problem);
    }

    /// <summary>Where it is noted how far a directory was copied.</summary>
    internal static string NotesOf(string from) => from + NotesSuffix;

    /// <summary>Deletes notes that a crash has left when everything was moved.</summary>
    /// <param name="local">What the directories to be moved are in.</param>
    public static void ForgetDone(string local)
    {
        foreach (var notes in DirectoryOwner.Of(local) is null ? [] : Directory.GetFiles(local, "*" + NotesSuffix))
        {
            if (DirectoryOwner.Of(notes[..^NotesSuffix.Length]) is null)
            {
                File.Delete(notes);
            }
        }
    }

    private void MoveDirectory(string relative, CancellationToken cancellation)
    {
        var (source, copy) = (Path.Combine(from, relative), Path.Combine(to, relative));
        var owner = DirectoryOwner.Of(source)!.Value;
        var modified = FileStatus.TryRead(source)!.Value.ModifiedNs;
        if (Durable.TryMakeDirectory(copy))
        {
            // Whoever may read it may read it now; nobody else may write until all is there.
            const uint ownerAll = 0x1C0;
            const uint othersWrite = 0x12;
            GiveAway(copy, Processes.EffectiveUser, owner.Group, (owner.Mode & ~othersWrite) | ownerAll);
            Durable.SyncDirectory(Path.GetDirectoryName(copy.TrimEnd('/'))!);
            atPoint("directory made");
        }

        foreach (var path in Directory.EnumerateFileSystemEntries(source).Order(StringComparer.Ordinal).ToList())
        {
            cancellation.ThrowIfCancellationRequested();
            var name = Path.Combine(relative, Path.GetFileName(path));
            switch (FileStatus.TryRead(path)?.Kind)
            {
                case FileKind.Directory:
                    MoveDirectory(name, cancellation);
                    break;
                case FileKind.SymbolicLink:
                    MoveLink(path, name);
                    break;
                case FileKind.File:
                    MoveFile(path, name, cancellation);
                    break;
                case FileKind.Special:
                    _problem = $"{path} is no file and stays where it is";
                    break;
            }
        }

        if (!Directory.EnumerateFileSystemEntries(source).Any())
        {
            GiveAway(copy, owner.User, owner.Group, owner.Mode);
            FileAttribution.SetModified(copy, modified);
            Durable.SyncDirectory(copy);
            _ = Durable.TryRemoveDirectory(source);
            atPoint("directory moved");
        }
    }

    private void MoveLink(string path, string name)
    {
        var copy = Path.Combine(to, name);
        if (FileStatus.TryRead(copy) is null)
        {
            File.CreateSymbolicLink(copy, new FileInfo(path).LinkTarget!);
            Durable.SyncDirectory(Path.GetDirectoryName(copy)!);
            atPoint("link copied");
        }

        File.Delete(path);
    }

    private void MoveFile(string path, string name, CancellationToken cancellation)
    {
        using var source = PlainFile.OpenRead(path);
        if (PlainFile.PathOf(source) is not { } real || !real.EndsWith($"{Path.GetFileName(from)}/{name}", StringComparison.Ordinal))
        {
            // Somebody has put a link in the place of a directory on the way.
            _problem = $"{path} is not where it seems to be, and stays there";
            return;
        }

        var status = FileStatus.Read(source);
        if (status.Kind != FileKind.File)
        {
            return;
        }

        if (_progress.Find(status.Inode) is not { } copied || status.Size < copied.Length)
        {
            // A file that its writer has cut off is a new one: what was copied of it stays.
            copied = new MoveProgress.Copied(FreeName(name), 0);
            _progress.Set(status.Inode, copied);
            atPoint("named");
        }

        var copyPath = Path.Combine(to, copied.Name);
        using var copy = PlainFile.OpenOrCreate(copyPath);
        var length = Math.Min(copied.Length, RandomAccess.GetLength(copy));
        if (length == 0)
        {
            GiveAway(copyPath, status.User, status.Group, status.Mode);
            Durable.SyncDirectory(Path.GetDirectoryName(copyPath)!);
        }

        length = Copy(source, copy, length, status.Inode, copied.Name, cancellation);
        if (!maySettle())
        {
            _stillOpen++;
            return;
        }

        switch (PlainFile.HasWriters(source))
        {
            case true:
                _stillOpen++;
                return;
            case null:
                _problem = $"whether {path} is open cannot be told (not root, or no file system of this node's own), so it is copied and stays";
                return;
        }

        Finish(path, source, copy, copyPath, length);
    }

    /// <returns>How much of the file is in the copy.</returns>
    private long Copy(SafeFileHandle source, SafeFileHandle copy, long length, ulong inode, string name, CancellationToken cancellation)
    {
        // What a crash may have left beyond what was noted.
        RandomAccess.SetLength(copy, length);
        var noted = length;
        while (RandomAccess.Read(source, _buffer, length) is var read and > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            RandomAccess.Write(copy, _buffer.AsSpan(0, read), length);
            length += read;
            atPoint("written");
            if (length - noted >= BetweenNotes)
            {
                noted = Note();
            }
        }

        return length > noted ? Note() : length;

        long Note()
        {
            RandomAccess.FlushToDisk(copy);
            _progress.Set(inode, new MoveProgress.Copied(name, length));
            atPoint("noted");
            return length;
        }
    }

    /// <summary>Nobody has the file open: it is deleted when its copy is seen to be the same.</summary>
    private void Finish(string path, SafeFileHandle source, SafeFileHandle copy, string copyPath, long length)
    {
        var status = FileStatus.Read(source);
        if (status.Size != length)
        {
            // Written between the last look and its end; the next call copies it.
            _stillOpen++;
            return;
        }

        RandomAccess.FlushToDisk(copy);
        FileAttribution.ForgetCached(copy);
        if (FirstDifference(source, copy, length) is { } at)
        {
            _progress.Set(status.Inode, new MoveProgress.Copied(Path.GetRelativePath(to, copyPath), at));
            _problem = string.Create(CultureInfo.InvariantCulture, $"{copyPath} does not hold what was written to it from byte {at} on; it is copied again");
            return;
        }

        FileAttribution.SetModified(copyPath, status.ModifiedNs);
        Durable.SyncDirectory(Path.GetDirectoryName(copyPath)!);
        atPoint("verified");
        File.Delete(path);
        atPoint("deleted");
        _progress.Remove(status.Inode);
    }

    private long? FirstDifference(SafeFileHandle one, SafeFileHandle other, long length)
    {
        if (RandomAccess.GetLength(other) != length)
        {
            return Math.Min(RandomAccess.GetLength(other), length);
        }

        for (var at = 0L; at < length;)
        {
            var read = RandomAccess.Read(one, _buffer, at);
            var readOther = RandomAccess.Read(other, _other, at);
            var same = _buffer.AsSpan(0, read).CommonPrefixLength(_other.AsSpan(0, readOther));
            if (same == 0)
            {
                return at;
            }

            at += same;
        }

        return null;
    }

    private string FreeName(string name)
    {
        var free = name;
        for (var number = 2; _progress.IsTaken(free) || FileStatus.TryRead(Path.Combine(to, free)) is not null; number++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{name}~{number}");
        }

        return free;
    }

    /// <summary>Shared storage may refuse owners (an NFS export with root_squash): the content counts more.</summary>
    private void GiveAway(string path, uint user, uint group, uint mode)
    {
        try
        {
            FileAttribution.SetOwner(path, user, group);
        }
        catch (PosixException refused) when (refused.Error is PosixException.NotPermitted or PosixException.Invalid)
        {
            _problem = $"owners cannot be kept on shared storage: {refused.Message}";
        }

        FileAttribution.SetMode(path, mode);
    }
}
