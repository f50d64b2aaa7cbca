using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// Holds the large files of one dump still while they are read, tells what of them is as it was in the dump before, and keeps them for the dump after.
/// Whatever is in doubt is not known to be the same, and is read. Disposed without <see cref="Finish"/>, what is kept is what was kept before.
/// </summary>
/// <param name="subject">Nonce of the dump that this one is compared with; null when there is none.</param>
/// <param name="from">Size from which on a file is worth it, in bytes.</param>
internal sealed class FileKeeping(KeptFiles kept, string? subject, long from) : IDisposable
{
    /// <summary>
    /// A clone makes the file lie in more pieces, since what is written over it goes elsewhere. Below so many bytes for each, it is left alone: then maps
    /// take as long as reading.
    /// </summary>
    private const long LeastOfClone = 128 << 10;

    /// <summary>On a file system that never writes over anything, a snapshot changes nothing about that.</summary>
    private const long LeastInSnapshot = 32 << 10;

    private const int FewExtents = 1024;

    private readonly List<KeptFile> _files = [];
    private readonly Dictionary<string, KeptFile> _before = Newest(kept.Load(), subject);
    private bool _cannotClone;
    private bool _finished;

    /// <summary>Told of each large file how many of its bytes were taken over unread, in tests.</summary>
    internal Action<string, long>? TakenOver { get; init; }

    /// <summary>All files are read from a snapshot: then that is what is kept.</summary>
    public LiveSnapshot? Snapshot { get; init; }

    /// <summary>Whether anything is held.</summary>
    public bool IsOfUse => _files.Count > 0;

    /// <summary>Holds a file as it is now.</summary>
    /// <param name="path">In the dump.</param>
    /// <param name="file">Open for reading.</param>
    /// <returns>Null when it is not worth it, or cannot be done: then it is read where it lies.</returns>
    public HeldFile? Hold(string path, SafeFileHandle file)
    {
        if (_cannotClone || RandomAccess.GetLength(file) < from || !FileExtents.AreComparable(file))
        {
            return null;
        }

        if (FileExtents.Count(file) is not { } extents || extents > MostOf(RandomAccess.GetLength(file)))
        {
            return null;
        }

        if (Snapshot is not null)
        {
            return new HeldFile(Path.GetRelativePath(kept.Directory, Path.Combine(Snapshot.Root, path)), UnlockedFile.OpenRead(Path.Combine(Snapshot.Root, path)));
        }

        try
        {
            if (TryClone(file) is { } clone)
            {
                return clone;
            }
        }
        catch (IOException)
        {
            // Such as a disk without room even for a name. The dump does without.
        }

        _cannotClone = true;
        return null;
    }

    /// <summary>What of a held file is as it was in a content.</summary>
    /// <returns>Null when nothing is known of that.</returns>
    public UnchangedRanges? Compare(HeldFile held, long size, FileContent before)
    {
        if (!_before.TryGetValue(before.Digest.ToString(), out var known) || known.Size != before.Size || known.File is null)
        {
            return null;
        }

        try
        {
            using var basis = UnlockedFile.OpenRead(Path.Combine(kept.Directory, known.File));
            if (FileIdentity.Of(FileStatus.Read(basis)) != known.Identity || !FileExtents.AreComparable(basis) || !FileExtents.AreComparable(held.File))
            {
                return null;
            }

            // The file system may move blocks about meanwhile, and give the old places to others. It does not move them back.
            var most = 2 * MostOf(Math.Max(held.Size, known.Identity.Size));
            return FileExtents.TryRead(basis, most) is { } was
                && FileExtents.TryRead(held.File, most) is { } now
                && FileExtents.TryRead(basis, most) is { } still
                && was.SequenceEqual(still)
                    ? UnchangedRanges.Between(
                        was,
                        now,
                        UnchangedRanges.LimitOf(before.Size, size, known.Identity.Size, held.Size),
                        UnchangedRanges.Both(known.Elsewhere, held.Elsewhere))
                    : null;
        }
        catch (Exception error) when (error is IOException and not ArchiveException)
        {
            return null;
        }
    }

    /// <summary>
    /// What of a database that is read where it lies is as it was in a content. As long as nothing was written to its file, all that its log had neither
    /// then nor has now is what the file holds.
    /// </summary>
    /// <param name="file">Identity of the database's file, taken while nobody writes to it but what the log has.</param>
    /// <param name="log">What the content has from the log.</param>
    /// <returns>Null when nothing is known of that.</returns>
    public UnchangedRanges? Compare(FileIdentity file, IReadOnlyList<ByteRange> log, long size, FileContent before) =>
        _before.TryGetValue(before.Digest.ToString(), out var known) && known.Size == before.Size && known.File is null && known.Identity == file
            ? UnchangedRanges.Between(
                [], [], UnchangedRanges.LimitOf(before.Size, size, file.Size, file.Size), UnchangedRanges.Both(known.Elsewhere, log))
            : null;

    /// <summary>The content of a database that was read where it lies is stored.</summary>
    /// <param name="settled">Whether any later change of the file would show in its identity.</param>
    public void Keep(string path, FileContent content, FileIdentity file, IReadOnlyList<ByteRange> log, bool settled, long takenOver)
    {
        if (file.Size >= from && settled)
        {
            _files.Add(new KeptFile(path, content.Digest.ToString(), content.Size, null, file, log));
            TakenOver?.Invoke(path, takenOver);
        }
    }

    /// <summary>The content of a held file is stored.</summary>
    public void Keep(string path, FileContent content, HeldFile held, long takenOver)
    {
        _files.Add(new KeptFile(path, content.Digest.ToString(), content.Size, held.Name, held.Identity, held.Elsewhere));
        TakenOver?.Invoke(path, takenOver);
    }

    /// <summary>A file was taken over by its identity, without looking at its bytes: what is kept of it stays.</summary>
    public void Unread(string path, FileContent content)
    {
        if (!_before.TryGetValue(content.Digest.ToString(), out var known))
        {
            return;
        }

        if (Snapshot is null)
        {
            _files.Add(known with { Path = path });
            return;
        }

        // The snapshot that has it goes. Its identity says that the file in this one is the same, and so must its blocks: what the next dump is compared
        // with never rests on an identity alone.
        using var file = UnlockedFile.OpenRead(Path.Combine(Snapshot.Root, path));
        using var held = Hold(path, file);
        if (held is not null && known.Elsewhere.Count == 0 && Compare(held, held.Size, content) is { } same && held.Size == content.Size && same.Cover(0, held.Size))
        {
            Keep(path, content, held, held.Size);
        }
    }

    /// <summary>
    /// The dump is in the line and durable. What was held is kept from here on, provided that the disk has room for all of it once more: then the
    /// service can write over every page and is never refused for the sake of what is kept.
    /// </summary>
    /// <param name="bytes">Of all files of the dump.</param>
    public void Finish(string dump, long bytes)
    {
        _finished = true;
        var size = Snapshot is null ? _files.Where(file => file.File is not null).Sum(file => file.Size) : bytes;
        try
        {
            var isKept = _files.Count > 0 && new DriveInfo(kept.Directory).AvailableFreeSpace >= size;
            kept.Save(new KeptRecord(dump, MachineClock.BootId, isKept ? _files : []));
        }
        catch (IOException)
        {
            // The dump counts all the same. What lies there then is named by no record, or by one of another dump, and is deleted before the next.
        }
    }

    public void Dispose()
    {
        if (_finished)
        {
            return;
        }

        try
        {
            kept.CleanUp();
        }
        catch (IOException)
        {
            // It is deleted before the next dump.
        }
    }

    private HeldFile? TryClone(SafeFileHandle file)
    {
        var name = $"clone.{Guid.NewGuid():N}";
        var clone = Path.Combine(kept.Directory, name);
        using (var made = File.OpenHandle(clone, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            if (FileClone.TryShare(file, made))
            {
                return new HeldFile(name, UnlockedFile.OpenRead(clone));
            }
        }

        File.Delete(clone);
        return null;
    }

    private static Dictionary<string, KeptFile> Newest(KeptRecord? record, string? subject)
    {
        var files = new Dictionary<string, KeptFile>(StringComparer.Ordinal);
        foreach (var file in record is not null && record.Dump == subject && record.Boot == MachineClock.BootId ? record.Files : [])
        {
            files.TryAdd(file.Content, file);
        }

        return files;
    }

    private int MostOf(long size) => (int)Math.Min(int.MaxValue / 4, Math.Max(FewExtents, size / (Snapshot is null ? LeastOfClone : LeastInSnapshot)));
}
