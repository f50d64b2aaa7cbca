using System.IO.Hashing;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Threads;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// Makes a plan true of a tree that nobody else finds. Cut short anywhere, the tree is neither the old one nor the new; done again, from the beginning, it
/// comes out right. Synced by the caller.
/// </summary>
/// <param name="held">Files that this process kept from all others since they were looked at, by their paths in the tree.</param>
internal sealed class ChangeWriter(ChangeDirectory directory, ChangePlan plan, IReadOnlyDictionary<string, SafeFileHandle> held)
{
    private const uint ChangeFile = 0b110_000_000;
    private const uint ChangeAnyDirectory = 0b111_000_000;

    /// <summary>So many bytes of a patched file are sent to the disk together.</summary>
    private const long SyncedAtOnce = 512 << 10;

    /// <summary>So many of them are on their way at a time: a disk that has enough to do makes whoever sends more wait, and that is to be this thread alone.</summary>
    private const int MostSyncing = 2;

    private int _gone;

    /// <exception cref="LocalContentException">
    /// What was staged is not there any more, or not what it was; or somebody else has changed something of the tree.
    /// </exception>
    public void Write()
    {
        using var tree = new OpenTree(directory.Tree);
        using var firsts = new OpenTree(directory.Tree);
        try
        {
            Write(tree, firsts);
        }
        catch (Exception error) when (firsts.Readable(tree.Readable(error.Message)) is var readable && readable != error.Message)
        {
            throw error is LocalContentException ? new LocalContentException(readable, error) : new IOException(readable, error);
        }
    }

    /// <summary>Whether the staged pages are what the plan says. Read whole.</summary>
    public bool HasPages()
    {
        if (plan.PagesLength == 0)
        {
            return true;
        }

        var hash = new XxHash3();
        using var pages = File.OpenRead(directory.PagesFile);
        hash.Append(pages);
        return pages.Length == plan.PagesLength && hash.GetCurrentHashAsUInt64() == plan.PagesHash;
    }

    private void Write(OpenTree tree, OpenTree firsts)
    {
        MakeWritable(tree);
        using var pages = plan.PagesLength > 0 ? File.OpenHandle(directory.PagesFile) : null;
        foreach (var change in plan.Changes)
        {
            var path = tree[change.Path];
            switch (change)
            {
                case PlannedChange.Absent:
                    Remove(path);
                    break;
                case PlannedChange.MadeDirectory:
                    MakeDirectory(path);
                    break;
                case PlannedChange.Placed placed:
                    Place(placed, path);
                    break;
                case PlannedChange.Linked linked:
                    Link(firsts[linked.First], path);
                    break;
                case PlannedChange.Patched patched:
                    Patch(patched, path, pages);
                    break;
                case PlannedChange.Attributed attributed:
                    Attribute(attributed, path);
                    break;
            }
        }
    }

    /// <summary>Lets this process change what a mode denies to its own owner. Every such mode is put right at the end, because the plan has it.</summary>
    private void MakeWritable(OpenTree tree)
    {
        if (Processes.IsRoot)
        {
            return;
        }

        foreach (var attributed in plan.Changes.OfType<PlannedChange.Attributed>().Reverse())
        {
            if (tree.TryFind(attributed.Path) is { } path)
            {
                Allow(path, KindOf(attributed), attributed.IsDirectory ? ChangeAnyDirectory : ChangeFile);
            }
        }
    }

    private static FileKind KindOf(PlannedChange.Attributed attributed) => attributed.IsDirectory ? FileKind.Directory : FileKind.File;

    private static void Allow(string path, FileKind kind, uint needed)
    {
        if (!Processes.IsRoot && FileStatus.TryRead(path) is { } status && status.Kind == kind && (status.Mode & needed) != needed)
        {
            _ = PlainFile.TrySetMode(path, kind, status.Mode | needed);
        }
    }

    /// <summary>Takes a name away, with all that is below. See <see cref="ChangeDirectory.Gone"/>.</summary>
    private void Remove(string path)
    {
        if (FileStatus.TryRead(path) is not { } status)
        {
            return;
        }

        if (status.Kind == FileKind.Directory)
        {
            Allow(path, FileKind.Directory, ChangeAnyDirectory);
        }

        while (!Durable.TryRenameToFree(path, directory.Gone(_gone++)))
        {
            // What has this name went before a crash.
        }
    }

    private void MakeDirectory(string path)
    {
        if (FileStatus.TryRead(path) is { Kind: FileKind.Directory })
        {
            Allow(path, FileKind.Directory, ChangeAnyDirectory);
            return;
        }

        Remove(path);
        Directory.CreateDirectory(path, (UnixFileMode)ChangeAnyDirectory);
    }

    private void Place(PlannedChange.Placed placed, string path)
    {
        var staged = directory.Staged(placed.Staged);
        var there = FileStatus.TryRead(path);
        if (FileStatus.TryRead(staged) is null)
        {
            if (there is not { Kind: FileKind.File or FileKind.SymbolicLink })
            {
                throw new LocalContentException($"{staged} is gone, which was to become {placed.Path}.");
            }

            return;
        }

        if (there is { Kind: FileKind.Directory })
        {
            Remove(path);
        }

        Durable.Rename(staged, path);
    }

    private void Link(string first, string path)
    {
        if (FileStatus.TryRead(path)?.Inode != FileStatus.TryRead(first)?.Inode)
        {
            Remove(path);
            _ = Durable.TryLink(first, path);
        }
    }

    private void Patch(PlannedChange.Patched patched, string path, SafeFileHandle? pages)
    {
        var isHeld = held.TryGetValue(patched.Path, out var kept);
        using var opened = isHeld ? null : Open(path);
        var file = kept ?? opened!;
        if (FileStatus.Read(file) is not { Kind: FileKind.File } status || FileStatus.TryRead(path) is not { } there
            || (there.Device, there.Inode) != (status.Device, status.Inode))
        {
            throw Replaced(patched.Path);
        }

        if (PlainFile.IsAlone(file) && status.Links == 1)
        {
            Patch(patched, file, pages);
            if (PlainFile.IsAlone(file))
            {
                if (!isHeld)
                {
                    Require(patched, file);
                }

                return;
            }
        }

        // Whoever has it open, or waits for that, may still write to it: it gets none of the new content. By the handle that there is: a second one, too,
        // would have to wait for the first.
        ScratchTree.Delete(directory.CopyFile);
        using (var target = TreeRestorer.Create(directory.CopyFile))
        {
            UncachedCopy.Whole(file, target.SafeFileHandle, RandomAccess.GetLength(file), CancellationToken.None);
            Patch(patched, target.SafeFileHandle, pages);
            Require(patched, target.SafeFileHandle);

            // A rename may outlive a power cut that what it renames does not, and there is no other base.
            RandomAccess.FlushToDisk(target.SafeFileHandle);
        }

        Durable.Rename(directory.CopyFile, path);
    }

    /// <summary>Opens a file for this process alone, if it can be.</summary>
    private static SafeFileHandle Open(string path)
    {
        if (PlainFile.TryOpenAlone(path) is { } alone)
        {
            return alone;
        }

        // Whoever had a lease on it, as a process that was just being started, has none of it any more when this has opened it.
        PlainFile.OpenRead(path).Dispose();
        return PlainFile.TryOpenAlone(path) ?? PlainFile.OpenRead(path);
    }

    /// <summary>Whether somebody wrote to a file since this was planned only its bytes tell, once this process did not keep it all the time.</summary>
    private void Require(PlannedChange.Patched patched, SafeFileHandle file)
    {
        var content = new FileSource(file, patched.Size);
        if (ContentDigest.Of(content, paged: true, plan.PageSeed, CancellationToken.None) != patched.Digest)
        {
            throw new LocalContentException(
                $"{Path.Combine(directory.Tree, patched.Path)} is not what it is to be after its change: another process has written to it since that was planned.");
        }
    }

    private LocalContentException Replaced(string path) =>
        new($"{Path.Combine(directory.Tree, path)} is not any more what it was when its change was planned: another process has put something else in its place.");

    private static void Patch(PlannedChange.Patched patched, SafeFileHandle file, SafeFileHandle? pages)
    {
        RandomAccess.SetLength(file, patched.Size);

        // Scattered pages keep a processor as busy on their way to the disk as on their way to the cache: another thread sees to the former.
        using var syncing = new WorkAhead<bool>();
        var (unsynced, syncedTo) = (0L, 0L);
        var buffer = new byte[1 << 20];
        var (from, filled, start) = (0, 0, patched.Start);
        foreach (var (offset, length, isHole) in patched.Ranges)
        {
            if (isHole)
            {
                Clear(file, offset, length);
                continue;
            }

            for (var done = 0L; done < length;)
            {
                if (from == filled)
                {
                    (from, filled) = (0, RandomAccess.Read(pages!, buffer, start));
                    start += filled;
                    if (filled == 0)
                    {
                        throw new LocalContentException($"what was staged for {patched.Path} ends too early.");
                    }
                }

                var piece = (int)Math.Min(filled - from, length - done);
                RandomAccess.Write(file, buffer.AsSpan(from, piece), offset + done);
                from += piece;
                done += piece;
                unsynced += piece;
                if (unsynced >= SyncedAtOnce)
                {
                    if (syncing.Count == MostSyncing)
                    {
                        _ = syncing.Take();
                    }

                    var (begin, end) = (syncedTo, offset + done);
                    syncing.Start(() => BeginSync(file, begin, end));
                    (unsynced, syncedTo) = (0, end);
                }
            }
        }
    }

    private static bool BeginSync(SafeFileHandle file, long begin, long end)
    {
        Durable.BeginSync(file, begin, end - begin);
        return true;
    }

    private static void Clear(SafeFileHandle file, long offset, long length)
    {
        if (SparseFile.TryPunch(file, offset, length))
        {
            return;
        }

        var zeros = new byte[Math.Min(length, 1 << 20)];
        for (var done = 0L; done < length; done += zeros.Length)
        {
            RandomAccess.Write(file, zeros.AsSpan(0, (int)Math.Min(zeros.Length, length - done)), offset + done);
        }
    }

    private void Attribute(PlannedChange.Attributed attributed, string path)
    {
        if (Processes.IsRoot)
        {
            FileAttribution.SetOwner(path, attributed.User, attributed.Group);
        }

        // Before the mode, which may deny it to the owner of a file.
        TreeRestorer.SetAttributes(path, attributed.Attributes?.Attributes ?? []);
        if (!PlainFile.TrySetMode(path, KindOf(attributed), attributed.Mode))
        {
            throw Replaced(attributed.Path);
        }

        if (attributed.ModifiedNs is { } time)
        {
            FileAttribution.SetModified(path, time);
        }
    }
}
