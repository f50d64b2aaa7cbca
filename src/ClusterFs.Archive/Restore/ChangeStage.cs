using System.IO.Hashing;
using ClusterFs.Archive.Capture;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>How much a change may be before building another tree is as good.</summary>
/// <param name="Bytes">That have to be staged.</param>
/// <param name="Changes">That are planned.</param>
internal sealed record ChangeLimits(long Bytes, int Changes)
{
    /// <summary>Parts of large files that are planned: the plan is held in memory, and its holes need no bytes that are staged.</summary>
    public int Ranges { get; init; } = 1_000_000;
}

/// <summary>
/// Collects what a change needs: staged files, pages of large ones, and the files themselves that get them, kept from everybody else. Used by one thread.
/// </summary>
internal sealed class ChangeStage : IDisposable
{
    /// <summary>More files at a time are not held open.</summary>
    private const int MostHeld = 256;

    /// <summary>So many staged bytes at a time are on their way to the disk before all are.</summary>
    private const long Ahead = 4 << 20;

    /// <summary>For what directories grow by, in bytes.</summary>
    private const long SpareRoom = 1 << 20;

    private readonly ChangeDirectory _directory;
    private readonly ChangeLimits _limits;
    private readonly Dictionary<string, SafeFileHandle> _held = new(StringComparer.Ordinal);
    private readonly List<(LocalFile Seen, SafeFileHandle File)> _bases = [];
    private readonly XxHash3 _hash = new();
    private FileStream? _pages;
    private long _begun;
    private int _staged;
    private int _ranges;

    public ChangeStage(ChangeDirectory directory, ChangeLimits limits)
    {
        _directory = directory;
        _limits = limits;
    }

    /// <summary>Bytes staged so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Of the pages staged so far.</summary>
    public long PagesLength { get; private set; }

    public ulong PagesHash => _hash.GetCurrentHashAsUInt64();

    /// <summary>The files that will be patched, by their paths in the tree.</summary>
    public IReadOnlyDictionary<string, SafeFileHandle> Held => _held;

    /// <summary>Whether so much and no more is worth it.</summary>
    /// <param name="more">Bytes about to be staged.</param>
    /// <param name="changes">Planned so far.</param>
    public bool HasRoomFor(long more, int changes) =>
        Bytes + more <= _limits.Bytes && changes <= _limits.Changes && _ranges <= _limits.Ranges;

    /// <summary>One more part of a large file is planned.</summary>
    public void AddRange() => _ranges++;

    /// <returns>The number of what the caller is about to stage, and where.</returns>
    public (int Number, string Path) Next(long size)
    {
        Bytes += size;
        return (_staged, _directory.Staged(_staged++));
    }

    public void AddPages(ReadOnlySpan<byte> pages)
    {
        _pages ??= new FileStream(_directory.PagesFile, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            BufferSize = 1 << 20,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        _pages.Write(pages);
        _hash.Append(pages);
        PagesLength += pages.Length;
        Bytes += pages.Length;
        if (PagesLength - _begun >= Ahead)
        {
            // The disk has something to do meanwhile, and little is left for the sync.
            _pages.Flush();
            Durable.BeginSync(_pages.SafeFileHandle, _begun, PagesLength - _begun);
            _begun = PagesLength;
        }
    }

    /// <summary>Whether the files that will be patched are what they were, and nobody else has had them since.</summary>
    public bool HasBases => _bases.TrueForAll(held => PlainFile.IsAlone(held.File) && held.Seen.Is(held.File));

    /// <summary>What the files are by now that were patched, by their paths in the tree; all zero where somebody else may have had one meanwhile.</summary>
    public IEnumerable<(string Path, FileIdentity Identity)> Identities =>
        _held.Select(held => (held.Key, PlainFile.IsAlone(held.Value) ? FileIdentity.Of(FileStatus.Read(held.Value)) : default));

    /// <summary>Takes a file that will be patched.</summary>
    /// <param name="path">In the tree.</param>
    /// <param name="seen">What was seen there.</param>
    /// <returns>Null where somebody else has it open, nobody can tell, or it is not any more what was seen.</returns>
    public SafeFileHandle? TryHold(string path, LocalFile seen)
    {
        if (_held.Count == MostHeld || PlainFile.TryOpenAlone(seen.Path) is not { } held)
        {
            return null;
        }

        _held.Add(path, held);
        _bases.Add((seen, held));
        return seen.Is(held) ? held : null;
    }

    /// <summary>All is staged: writes the plan, and takes the room that following it needs. Synced by the caller.</summary>
    /// <exception cref="IOException">The disk has not so much room.</exception>
    public byte[] Finish(ChangePlan plan)
    {
        _pages?.Dispose();
        var written = plan.Write();
        File.WriteAllBytes(_directory.PlanFile, written);
        using var room = File.OpenHandle(_directory.RoomFile, FileMode.CreateNew, FileAccess.Write);
        _ = SparseFile.TryReserve(room, 0, PagesLength + SpareRoom);
        return written;
    }

    public void Dispose()
    {
        _pages?.Dispose();
        foreach (var file in _held.Values)
        {
            file.Dispose();
        }
    }
}
