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
    /// <summary>Extents of each of two files that are compared: some 10 MB of memory, and milliseconds.</summary>
    private const int MostCompared = 1 << 18;

    private readonly List<KeptFile> _files = [];
    private readonly Dictionary<string, KeptFile> _before = Newest(kept, subject);
    private HeldClones? _clones;
    private bool _finished;

    /// <summary>Told of each large file how many of its bytes were taken over unread, in tests.</summary>
    internal Action<string, long>? TakenOver { get; init; }

    /// <summary>All files are read from a snapshot.</summary>
    public bool IsSnapshot { get; init; }

    /// <summary>Why some large file is not held, where the file system could; null when all are.</summary>
    public string? WhyNot => _clones?.WhyNot;

    /// <summary>Whether anything is held.</summary>
    public bool IsOfUse => _files.Count > 0;

    private HeldClones Clones => _clones ??= new HeldClones(kept, IsSnapshot);

    /// <summary>Holds a file as it is now.</summary>
    /// <param name="path">In the dump.</param>
    /// <param name="file">Open for reading.</param>
    /// <returns>Null when it is not worth it, or cannot be done: then it is read where it lies.</returns>
    public HeldFile? Hold(string path, SafeFileHandle file) => RandomAccess.GetLength(file) >= from && FileExtents.AreComparable(file)
        ? Clones.TryMake(path, file, held => _before.Values.Where(one => one.File is not null && !held.Contains(one.Path)).Sum(one => one.Identity.Size))
        : null;

    /// <summary>Nothing that was read from a held file counts before this was called.</summary>
    /// <exception cref="LocalContentException">What was held had to be given up.</exception>
    public void RequireHeld()
    {
        if (_clones is { IsGivenUp: true })
        {
            throw new LocalContentException(
                $"The disk of {kept.Directory} became too full to hold files still for a dump. Make room; the next dump reads them where they lie until there is.");
        }
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
            // Of a file that was given up meanwhile, they say nothing.
            return FileExtents.TryRead(basis, MostCompared) is { } was
                && FileExtents.TryRead(held.File, MostCompared) is { } now
                && FileExtents.TryRead(basis, MostCompared) is { } still
                && was.SequenceEqual(still)
                && Clones is { IsGivenUp: false }
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
    /// <exception cref="LocalContentException">See <see cref="RequireHeld"/>.</exception>
    public void Keep(string path, FileContent content, HeldFile held, long takenOver)
    {
        RequireHeld();
        _files.Add(new KeptFile(path, content.Digest.ToString(), content.Size, held.Name, held.Identity, held.Elsewhere));
        TakenOver?.Invoke(path, takenOver);
    }

    /// <summary>A file was taken over by its identity, without looking at its bytes: what is kept of it stays.</summary>
    public void Unread(string path, FileContent content)
    {
        if (_before.TryGetValue(content.Digest.ToString(), out var known))
        {
            _files.Add(known with { Path = path });
        }
    }

    /// <summary>The dump is in the line and durable. What was held is kept from here on, as long as there is room.</summary>
    public void Finish(string dump)
    {
        _finished = true;
        var isHeld = _clones?.TryEnd() != false;
        kept.Save(new KeptRecord(dump, MachineClock.BootId, isHeld ? _files : []));
        kept.CleanUp();
    }

    public void Dispose()
    {
        _clones?.Dispose();
        if (!_finished)
        {
            kept.CleanUp();
        }
    }

    private static Dictionary<string, KeptFile> Newest(KeptFiles kept, string? subject)
    {
        var record = kept.Load();
        var files = new Dictionary<string, KeptFile>(StringComparer.Ordinal);
        if (record is not null && (record.Dump != subject || record.Boot != MachineClock.BootId))
        {
            // Nothing will ever be compared with it.
            kept.Drop();
            return files;
        }

        foreach (var file in record?.Files ?? [])
        {
            files.TryAdd(file.Content, file);
        }

        return files;
    }
}
