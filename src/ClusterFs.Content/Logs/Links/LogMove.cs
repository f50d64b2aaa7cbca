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
/// <param name="seenSame">Kept from call to call.</param>
/// <param name="atPoint">Told of every point at which a crash leaves something new.</param>
internal sealed class LogMove(string from, string to, Func<bool> maySettle, HashSet<SeenSame> seenSame, Action<string> atPoint)
{
    /// <summary>Of the file that notes how far a directory was copied.</summary>
    public const string NotesSuffix = ".moved";

    private const int Step = 1024 * 1024;

    /// <summary>A crash copies so much anew at most.</summary>
    private const long BetweenNotes = 32 * Step;

    /// <summary>Directories inside one another; each that is walked is held open.</summary>
    private const int MostDeep = 64;

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
        using (var source = OpenDirectory.TryOpen(from))
        {
            if (source is not null && (!_progress.IsEmpty || !source.Names.IsEmpty || DirectoryOwner.Of(to) is not null))
            {
                var isNew = Durable.TryMakeDirectory(to);
                using var copy = OpenDirectory.TryOpen(to) ?? throw new IOException($"{to} is no directory");
                if (isNew)
                {
                    KeepForNow(source, copy);
                    Durable.SyncDirectory(Path.GetDirectoryName(to)!);
                    atPoint("directory made");
                }

                MoveDirectory(source, copy, "", () => Durable.TryRemoveDirectory(from), cancellation);
            }
            else
            {
                _ = Durable.TryRemoveDirectory(from);
            }
        }

        var isDone = DirectoryOwner.Of(from) is null;
        if (isDone)
        {
            // Else a power cut may bring back a file of which nothing knows any more how far it was copied.
            Durable.SyncDirectory(Path.GetDirectoryName(from)!);
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
        foreach (var notes in DirectoryOwner.Of(local) is null ? [] : DirectoryNames.Of(local).Names.Select(name => Path.Combine(local, name)))
        {
            if (notes.EndsWith(NotesSuffix, StringComparison.Ordinal) && DirectoryOwner.Of(notes[..^NotesSuffix.Length]) is null)
            {
                File.Delete(notes);
            }
        }
    }

    /// <summary>
    /// The owner of the directories may change them meanwhile, and this is root: so everything is done in directories that are held open, and no link
    /// is followed on either side.
    /// </summary>
    private void MoveDirectory(OpenDirectory source, OpenDirectory copy, string relative, Func<bool> remove, CancellationToken cancellation)
    {
        var status = source.Status;
        var names = source.Names;
        foreach (var name in names.Unreadable)
        {
            _problem = $"{Path.Combine(from, relative, name)} has a name that is not UTF-8, and stays where it is: rename it";
        }

        foreach (var name in names.Names)
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                MoveEntry(source, copy, name, Path.Combine(relative, name), cancellation);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                // One that cannot be moved must not keep the others here.
                _problem = $"{Path.Combine(from, relative, name)} stays where it is for now: {copy.Readable(source.Readable(failure.Message))}";
            }
        }

        if (source.Names.IsEmpty)
        {
            GiveAway(copy.Handle, status.User, status.Group, status.Mode);
            FileAttribution.SetModified(copy["."], status.ModifiedNs);
            copy.Sync();
            _ = remove();
            atPoint("directory moved");
        }
    }

    private void MoveEntry(OpenDirectory source, OpenDirectory copy, string name, string relative, CancellationToken cancellation)
    {
        switch (FileStatus.TryRead(source[name])?.Kind)
        {
            case FileKind.Directory:
                MoveBelow(source, copy, name, relative, cancellation);
                break;
            case FileKind.SymbolicLink:
                MoveLink(source[name], copy, name);
                break;
            case FileKind.File:
                MoveFile(source, copy, name, relative, cancellation);
                break;
            case FileKind.Special:
                _problem = $"{Path.Combine(from, relative)} is no file and stays where it is";
                break;
        }
    }

    private void MoveBelow(OpenDirectory source, OpenDirectory copy, string name, string relative, CancellationToken cancellation)
    {
        if (relative.Count(character => character == '/') >= MostDeep)
        {
            throw new IOException($"it is more than {MostDeep} directories deep");
        }

        using var below = source.TryOpenBelow(name) ?? throw new IOException("it is no directory any more");
        var isNew = Durable.TryMakeDirectory(copy[name]);
        using var copyBelow = copy.TryOpenBelow(name) ?? throw new IOException($"{Path.Combine(to, relative)} is no directory");
        if (isNew)
        {
            KeepForNow(below, copyBelow);
            copy.Sync();
            atPoint("directory made");
        }

        MoveDirectory(below, copyBelow, relative, () => Durable.TryRemoveDirectory(source[name]), cancellation);
    }

    /// <summary>Whoever may read a directory may read its copy now; nobody else may write there until all is there.</summary>
    private void KeepForNow(OpenDirectory source, OpenDirectory copy)
    {
        const uint ownerAll = 0x1C0;
        const uint othersWrite = 0x12;
        var status = source.Status;
        GiveAway(copy.Handle, Processes.EffectiveUser, status.Group, (status.Mode & ~othersWrite) | ownerAll);
    }

    private void MoveLink(string path, OpenDirectory copy, string name)
    {
        var leads = new FileInfo(path).LinkTarget ?? throw new IOException("it is no link any more");
        if (leads.Contains('\uFFFD', StringComparison.Ordinal))
        {
            throw new IOException("it leads to a name that is not UTF-8");
        }

        if (FileStatus.TryRead(copy[name]) is null)
        {
            File.CreateSymbolicLink(copy[name], leads);
            copy.Sync();
            atPoint("link copied");
        }

        File.Delete(path);
    }

    private void MoveFile(OpenDirectory directory, OpenDirectory copies, string name, string relative, CancellationToken cancellation)
    {
        using var source = PlainFile.OpenRead(directory[name]);
        var status = FileStatus.Read(source);
        if (status.Kind != FileKind.File)
        {
            return;
        }

        if (_progress.Find(status.Inode) is not { } copied || status.Size < copied.Length)
        {
            // A file that its writer has cut off is a new one: what was copied of it stays.
            copied = new MoveProgress.Copied(FreeName(copies, relative), 0);
            _progress.Set(status.Inode, copied);
            atPoint("named");
        }

        using var others = DirectoryOfCopy(copied.Name);
        var copyName = Path.GetFileName(copied.Name);
        using var copy = PlainFile.OpenOrCreate(others[copyName]);
        if (FileStatus.Read(copy) is not { Kind: FileKind.File, Links: 1 })
        {
            throw new IOException($"{Path.Combine(to, copied.Name)} is not the copy that was made there: move it away");
        }

        var length = Math.Min(copied.Length, RandomAccess.GetLength(copy));
        if (length == 0)
        {
            GiveAway(copy, status.User, status.Group, status.Mode);
            others.Sync();
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
                _problem = $"whether {Path.Combine(from, relative)} is open cannot be told (not root, or no file system of this node's own), so it is copied and stays";
                return;
        }

        var seen = new SeenSame(status.Device, status.Inode, status.Size, status.ModifiedNs, copied.Name);
        if (IsSame(source, copy, copied, length, seen))
        {
            FileAttribution.SetModified(others[copyName], status.ModifiedNs);
            others.Sync();
            atPoint("verified");
            File.Delete(directory[name]);
            directory.Sync();
            atPoint("deleted");
            _progress.Remove(status.Inode);
            seenSame.Remove(seen);
        }
    }

    /// <summary>Of a service that renames what it writes, the copy may lie elsewhere than its file.</summary>
    private OpenDirectory DirectoryOfCopy(string name)
    {
        var directory = OpenDirectory.TryOpen(to) ?? throw new IOException($"{to} is no directory");
        foreach (var part in name.Split('/')[..^1])
        {
            var above = directory;
            directory = above.TryOpenBelow(part)!;
            above.Dispose();
            if (directory is null)
            {
                throw new IOException($"{Path.Combine(to, name)} is in no directory any more");
            }
        }

        return directory;
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

    /// <summary>Whether the copy is the same as a file that nobody has open; where that was seen before, it is not read once more.</summary>
    private bool IsSame(SafeFileHandle source, SafeFileHandle copy, MoveProgress.Copied before, long length, SeenSame seen)
    {
        var status = FileStatus.Read(source);
        if (status.Size != length)
        {
            // Written between the last look and its end; the next call copies it.
            _stillOpen++;
            return false;
        }

        // Only of a copy that nothing was added to since.
        if (before.Length == length && RandomAccess.GetLength(copy) == length && status.ModifiedNs == seen.ModifiedNs && seenSame.Contains(seen))
        {
            return true;
        }

        RandomAccess.FlushToDisk(copy);
        FileAttribution.ForgetCached(copy);
        if (FirstDifference(source, copy, length) is { } at)
        {
            _progress.Set(status.Inode, before with { Length = at });
            _problem = string.Create(
                CultureInfo.InvariantCulture, $"{Path.Combine(to, before.Name)} does not hold what was written to it from byte {at} on; it is copied again");
            return false;
        }

        seenSame.Add(seen);
        return true;
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

    private string FreeName(OpenDirectory copies, string relative)
    {
        var free = relative;
        for (var number = 2; _progress.IsTaken(free) || FileStatus.TryRead(copies[Path.GetFileName(free)]) is not null; number++)
        {
            free = string.Create(CultureInfo.InvariantCulture, $"{relative}~{number}");
        }

        return free;
    }

    /// <summary>Shared storage may refuse owners (an NFS export with root_squash): the content counts more.</summary>
    private void GiveAway(SafeFileHandle file, uint user, uint group, uint mode)
    {
        try
        {
            FileAttribution.SetOwner(file, user, group);
        }
        catch (PosixException refused) when (refused.Error is PosixException.NotPermitted or PosixException.Invalid)
        {
            _problem = $"owners cannot be kept on shared storage: {refused.Message}";
        }

        FileAttribution.SetMode(file, mode);
    }
}

/// <summary>A file whose copy was read back and is the same: what cannot be deleted is not read every two seconds.</summary>
internal readonly record struct SeenSame(ulong Device, ulong Inode, long Size, long ModifiedNs, string Copy);
