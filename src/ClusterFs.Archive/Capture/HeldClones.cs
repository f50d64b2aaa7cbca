using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// Clones of the files of one dump. The room that a service needs to write over what they share is there before each is made; and when others fill the
/// disk meanwhile, all of them are given up at once, even those being read. Safe for use by several threads.
/// </summary>
/// <param name="isSnapshot">Whether the files lie in a snapshot, so that nobody waits to write to them.</param>
internal sealed class HeldClones(KeptFiles kept, bool isSnapshot) : IDisposable
{
    /// <summary>
    /// While a file is cloned, nobody can write to it: about 16 us for each extent. With so many that is 0.13 s. Cloned over and over, a
    /// file that is written at random comes to lie in that many pieces, and not in many more.
    /// </summary>
    private const int MostExtents = 8192;

    /// <summary>Of a file in a snapshot: there it takes time, and nobody else's.</summary>
    private const int MostExtentsInSnapshot = 1 << 17;

    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (string Clone, long Size)> _held = new(StringComparer.Ordinal);
    private Timer? _watch;
    private bool _isImpossible;
    private bool _isOver;
    private volatile bool _isGivenUp;
    private volatile string? _whyNot;

    /// <summary>Whether the disk became too full. Then nothing that was read from a clone counts, unless this was false afterwards.</summary>
    public bool IsGivenUp => _isGivenUp;

    /// <summary>Why some file has no clone, where the file system could make one; null when all that were asked for have.</summary>
    public string? WhyNot => _whyNot;

    /// <summary>Clones a file as it is now.</summary>
    /// <param name="path">In the dump.</param>
    /// <param name="file">Open for reading.</param>
    /// <param name="before">The largest size, in bytes, that what was kept before may still need for files that have no clone here.</param>
    /// <returns>Null when that cannot be, takes too long, or there is no room.</returns>
    public HeldFile? TryMake(string path, SafeFileHandle file, Func<IReadOnlyCollection<string>, long> before)
    {
        try
        {
            if (!isSnapshot)
            {
                // The kernel would do it while the clone is made, and nobody could write until it has.
                RandomAccess.FlushToDisk(file);
            }

            var most = isSnapshot ? MostExtentsInSnapshot : MostExtents;
            if (FileExtents.Count(file) is not { } extents)
            {
                return null;
            }

            if (extents > most)
            {
                _whyNot = $"{path} lies in more than {most} pieces, and cloning it would hold up its writers; defragment it";
                return null;
            }

            lock (_gate)
            {
                _held.Remove(path);
                var size = RandomAccess.GetLength(file);
                var needed = size + _held.Values.Sum(one => one.Size) + before([.. _held.Keys, path]);
                if (_isImpossible || _isGivenUp)
                {
                    return null;
                }

                if (!kept.HasRoomFor(needed))
                {
                    _whyNot = $"the disk has not {needed} bytes free beyond what stays free, which {path} and the others may need when they are written over";
                    return null;
                }

                return Make(path, file, size);
            }
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
        {
            // Such as a disk without room even for a name. The dump does without.
            return null;
        }
    }

    /// <summary>No clone is given up from here on.</summary>
    /// <returns>False when they were already.</returns>
    public bool TryEnd()
    {
        lock (_gate)
        {
            _isOver = true;
            return !_isGivenUp;
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            _watch?.Dispose();
        }
    }

    private HeldFile? Make(string path, SafeFileHandle file, long size)
    {
        var name = $"clone.{Guid.NewGuid():N}";
        var clone = Path.Combine(kept.Directory, name);
        int error;
        using (var made = File.OpenHandle(clone, FileMode.CreateNew, FileAccess.ReadWrite))
        {
            FileClone.TakeKind(file, made);
            error = FileClone.Share(file, made);
        }

        if (error == 0)
        {
            _held[path] = (clone, size);
            _watch ??= new Timer(_ => LookForRoom(), null, Look, Look);
            return new HeldFile(name, UnlockedFile.OpenRead(clone));
        }

        // What is said of one file (it lies on another mount, or is swapped to) need not be so of the next.
        _isImpossible = error is PosixException.NotSupported or PosixException.NotTerminal;
        File.Delete(clone);
        return null;
    }

    private void LookForRoom()
    {
        lock (_gate)
        {
            if (_isOver || _isGivenUp || kept.HasRoomFor(0))
            {
                return;
            }

            _isGivenUp = true;
            _whyNot = "the disk became too full while a dump was read";
            foreach (var (clone, _) in _held.Values)
            {
                Empty(clone);
            }

            kept.Drop();
        }
    }

    /// <summary>Its room is free at once, though somebody reads it.</summary>
    private static void Empty(string clone)
    {
        try
        {
            using var file = File.OpenHandle(clone, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
            RandomAccess.SetLength(file, 0);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
        {
            // It is deleted with the others, and its room is free when it has been read.
        }
    }
}
