using System.Globalization;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Log;

/// <summary>The runs that slots have been folded into. Safe to use from any number of threads, processes and machines.</summary>
internal sealed class SlotRuns(ArchiveLayout layout)
{
    /// <summary>Whoever reads the log in order needs one; the other is the one with the claim of the newest epoch.</summary>
    private const int Kept = 2;

    /// <summary>So many others that prove the same name free at the same moment do not occur.</summary>
    private const int Tries = 100;

    private readonly Lock _gate = new();
    private readonly List<SlotRun> _recent = [];
    private long _foldedTo;

    /// <summary>The last slot of any run that was seen. Up to there runs are asked first: a file of the slot's own may be a latecomer's.</summary>
    public long FoldedTo => Interlocked.Read(ref _foldedTo);

    /// <summary>Makes and removes the directory that proves a name to be free; another in tests.</summary>
    internal Func<string, bool> IsFree { get; init; } = ProveFree;

    /// <summary>Opens a run, if it can be seen; another in tests.</summary>
    internal Func<string, byte[]?> TryOpen { get; init; } = TryReadFile;

    public static string Name(SlotRange range) => $"{SlotLog.Name(range.First)}-{SlotLog.Name(range.Last)}";

    /// <returns>Null when it is not the name of a run.</returns>
    public static SlotRange? TryParse(ReadOnlySpan<char> name)
    {
        var dash = name.IndexOf('-');
        return dash > 0
            && long.TryParse(name[..dash], NumberStyles.None, CultureInfo.InvariantCulture, out var first)
            && long.TryParse(name[(dash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            && FoldRules.IsRange(new SlotRange(first, last))
                ? new SlotRange(first, last)
                : null;
    }

    public string FileOf(SlotRange range) => Path.Combine(layout.Log, Name(range));

    /// <summary>The run that holds a slot.</summary>
    /// <returns>Null when none can be seen.</returns>
    public SlotRun? TryFind(long slot)
    {
        lock (_gate)
        {
            if (_recent.Find(run => run.Range.Contains(slot)) is { } known)
            {
                return known;
            }
        }

        foreach (var range in FoldRules.RangesOf(slot))
        {
            if (TryRead(range) is { } run)
            {
                return run;
            }
        }

        return null;
    }

    /// <summary>Reads a run from storage.</summary>
    /// <returns>Null when it is not there.</returns>
    public SlotRun? TryRead(SlotRange range)
    {
        var file = FileOf(range);
        if (TryOpen(file) is not { } bytes)
        {
            return null;
        }

        var run = SlotRunFormat.Read(file, bytes, range);
        See(range);
        lock (_gate)
        {
            _recent.RemoveAll(other => range.Contains(other.Range));
            _recent.Add(run);
            if (_recent.Count > Kept)
            {
                _recent.RemoveAt(0);
            }
        }

        return run;
    }

    /// <summary>
    /// Whether a slot may have been folded, and so its name been freed. Told by trying to create what would stand there: a file system may show an
    /// old picture to whoever looks, but lets nobody create what exists.
    /// </summary>
    public bool MayHold(long slot) => SharedStorage.Reach(layout.Log, () => FoldRules.RangesOf(slot).Any(range => !IsFree(FileOf(range))));

    public void See(SlotRange range)
    {
        for (var seen = FoldedTo; range.Last > seen; seen = FoldedTo)
        {
            Interlocked.CompareExchange(ref _foldedTo, range.Last, seen);
        }
    }

    /// <summary>Publishes a run under its name. One that is there already says the same.</summary>
    public void Publish(string temporary, SlotRange range)
    {
        var file = FileOf(range);
        while (!Durable.TryLink(temporary, file) && Durable.TryRemoveDirectory(file))
        {
            // It was what somebody who proved the name to be free left behind.
        }
    }

    private static bool ProveFree(string name)
    {
        for (var tries = 0; tries < Tries; tries++)
        {
            if (Durable.TryMakeDirectory(name))
            {
                _ = Durable.TryRemoveDirectory(name);
                return true;
            }

            // Another's proof, or one that a crash left, is no run.
            if (!Durable.TryRemoveDirectory(name) && FileStatus.TryRead(name) is { Kind: FileKind.File })
            {
                return false;
            }
        }

        return false;
    }

    private static byte[]? TryReadFile(string file) => FileStatus.TryRead(file) is not { Kind: FileKind.File }
        ? null
        : SharedStorage.Reach(file, () =>
        {
            using var stream = SharedStorage.TryOpen(file);
            if (stream is null)
            {
                return null;
            }

            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            return bytes;
        });
}
