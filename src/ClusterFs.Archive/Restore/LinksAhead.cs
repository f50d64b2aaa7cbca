using System.Diagnostics;
using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Threads;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>A file that gets a second name.</summary>
/// <param name="Entry">What it is to be.</param>
/// <param name="Existing">Its first name, and what was seen there.</param>
/// <param name="Created">A name that is free.</param>
internal sealed record NewLink(ManifestEntry Entry, LocalFile Existing, string Created);

/// <summary>
/// Gives files second names, many at a time, while the caller looks for the next: of many small files that takes most of the time. A name is made some
/// time after the file was looked at, so that it still is that file is looked at once more. Not safe for use by several threads.
/// </summary>
internal sealed class LinksAhead : IDisposable
{
    private const int Batch = 64;
    private const int MostBatches = 64;

    /// <summary>The longest that a file waits for others.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMilliseconds(50);

    private readonly WorkAhead<IReadOnlyList<NewLink>> _started = new();
    private readonly List<NewLink> _refused = [];
    private List<NewLink> _collected = new(Batch);
    private long _since;

    public void Add(NewLink link)
    {
        if (_collected.Count == 0)
        {
            _since = Stopwatch.GetTimestamp();
        }

        _collected.Add(link);
        BeginIfDue();
    }

    /// <summary>Has what was added begun, if that is enough or has waited long.</summary>
    /// <exception cref="PosixException">A name cannot be made.</exception>
    public void BeginIfDue()
    {
        if (_collected.Count < Batch && (_collected.Count == 0 || Stopwatch.GetElapsedTime(_since) < Longest))
        {
            return;
        }

        var batch = _collected;
        _collected = new(Batch);
        _started.Start(() => Link(batch));
        while (_started.Count > MostBatches)
        {
            _refused.AddRange(_started.Take());
        }
    }

    /// <summary>Until all names are there.</summary>
    /// <returns>Those that are not, because another file, or a changed one, is by now where a file was seen. Each once.</returns>
    /// <exception cref="PosixException">One cannot be made.</exception>
    public IReadOnlyList<NewLink> Complete()
    {
        _refused.AddRange(Link(_collected));
        _collected.Clear();
        while (_started.Count > 0)
        {
            _refused.AddRange(_started.Take());
        }

        NewLink[] refused = [.. _refused];
        _refused.Clear();
        return refused;
    }

    /// <summary>Waits for what was started: it writes where the caller is about to clean up.</summary>
    public void Dispose() => _started.Dispose();

    private static List<NewLink> Link(List<NewLink> batch)
    {
        var refused = new List<NewLink>();
        foreach (var link in batch)
        {
            if (!TryLink(link))
            {
                refused.Add(link);
            }
        }

        return refused;
    }

    private static bool TryLink(NewLink link)
    {
        try
        {
            if (!Durable.TryLink(link.Existing.Path, link.Created))
            {
                throw new PosixException("link", link.Created, PosixException.Exists);
            }
        }
        catch (PosixException gone) when (gone.Error is PosixException.NoEntry or PosixException.NotDirectory or PosixException.Loop)
        {
            return false;
        }

        if (IsStill(link.Existing.Status, FileStatus.TryRead(link.Created)))
        {
            return true;
        }

        File.Delete(link.Created);
        return false;
    }

    /// <summary>Whether a file is the one that was seen but for its new name.</summary>
    private static bool IsStill(FileStatus seen, FileStatus? now) =>
        now is { } found && found with { ChangedNs = seen.ChangedNs, Links = seen.Links } == seen;
}
