using System.Buffers;
using ClusterFs.Content.Logs.Stamps;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>
/// Passes on what is added to the logs, by looking again and again: what another machine writes to a network file system wakes nobody here. A file
/// that rotation has renamed is read on for a while, because its writer may not have noticed yet. Not safe for several threads.
/// </summary>
internal sealed class LogFollow(LogCatalog catalog, LogQuery query, Func<DateTimeOffset, StampReader> stamps, ILineSink sink, Action<string> note) : IDisposable
{
    private static readonly long RotatedPatience = TimeSpan.FromMinutes(1).Ticks;
    private readonly Dictionary<(ulong Device, ulong Inode), LogTail> _tails = [];
    private readonly Dictionary<(string Node, string Name, string Place), LogStream> _streams = [];

    private readonly Dictionary<(string Path, ulong Inode), long> _left = [];
    private readonly long _startNs = TimeProvider.System.GetUtcNow().Subtract(DateTimeOffset.UnixEpoch).Ticks * 100;
    private bool _hasSeenShared;

    /// <summary>Goes on where reading has ended.</summary>
    public void GoOn(OpenLogs read)
    {
        _hasSeenShared = catalog.SharedWasThere;
        foreach (var log in read.Logs)
        {
            _streams[KeyOf(log.Found)] = log.Stream;
            foreach (var file in log.Files.Where(file => LogTail.IsFollowed(log.Found, file.Found)))
            {
                _tails[(file.Status.Device, file.Status.Inode)] =
                    new LogTail(log.Stream, PlaceOf(log.Found, file.Found), Duplicate(file), file.Part.To);
            }
        }
    }

    /// <summary>Looks once.</summary>
    /// <param name="now">Of a clock that only runs on, in ticks.</param>
    public void Look(long now, CancellationToken cancellation)
    {
        var logs = catalog.Find(note);
        var isBack = catalog.SharedWasThere && !_hasSeenShared;
        if (isBack)
        {
            note("shared storage is there now: what is written there from now on is shown");
        }

        foreach (var log in logs.Where(query.Wants))
        {
            foreach (var file in log.Files.Where(file => LogTail.IsFollowed(log, file)))
            {
                See(log, file, now, isBack);
            }
        }

        _hasSeenShared |= catalog.SharedWasThere;

        PassOn(now, cancellation);
        foreach (var (key, tail) in _tails.Where(tail => now - tail.Value.LiveAt > RotatedPatience).ToList())
        {
            Leave(key, tail);
        }
    }

    public void Dispose()
    {
        foreach (var tail in _tails.Values)
        {
            tail.Dispose();
        }
    }

    private static (string Node, string Name, string Place) KeyOf(FoundLog log) => (log.Node, log.Name, log.Place);

    /// <summary>The same for a file on this node's disk and for its copy on shared storage.</summary>
    private static string PlaceOf(FoundLog log, FoundFile file) => Path.Combine(log.Place, log.Name, Path.GetFileName(file.Path));

    private static SafeFileHandle Duplicate(OpenFile file) =>
        UnlockedFile.OpenRead($"/proc/self/fd/{file.Handle.DangerousGetHandle()}");

    /// <summary>Storage that was away for long shows the same files again: nothing of them is shown twice.</summary>
    private void Leave((ulong Device, ulong Inode) key, LogTail tail)
    {
        if (!catalog.SharedWasThere)
        {
            _left[(tail.Path, key.Inode)] = tail.At;
        }

        tail.Dispose();
        _tails.Remove(key);
    }

    private void See(FoundLog log, FoundFile file, long now, bool isBack)
    {
        SafeFileHandle? handle = null;
        FileStatus status;
        try
        {
            handle = UnlockedFile.OpenRead(file.Path);
            status = FileStatus.Read(handle);
        }
        catch (IOException)
        {
            // Renamed in between: it is there under its next name at the next look, or was open already.
            handle?.Dispose();
            return;
        }

        var path = PlaceOf(log, file);
        if (!_tails.TryGetValue((status.Device, status.Inode), out var tail))
        {
            // The copy of a file that was read on this node's disk as far as that: a copy is a beginning of it.
            var before = LogTail.IsOnItsWay(log) ? _tails.Values.FirstOrDefault(other => other.Path == path) : null;
            tail = new LogTail(StreamOf(log), path, handle, before?.At ?? FirstOf(file, path, handle, status, isBack));
            _tails[(status.Device, status.Inode)] = tail;
        }
        else
        {
            tail.Renew(handle, path);
        }

        tail.LiveAt = now;
    }

    /// <summary>Where a file begins to be of interest that was not there before.</summary>
    private long FirstOf(FoundFile file, string path, SafeFileHandle handle, FileStatus status, bool isBack)
    {
        if (_left.TryGetValue((path, status.Inode), out var left))
        {
            return left;
        }

        // A rotated file that became the newest one, since the one in use was deleted, is old all the same.
        return isBack || (!file.Name.IsCurrent && status.ModifiedNs < _startNs) ? OpenLogs.EndOfLines(handle, 0, status.Size) : 0;
    }

    private LogStream StreamOf(FoundLog log)
    {
        if (!_streams.TryGetValue(KeyOf(log), out var stream))
        {
            _streams[KeyOf(log)] = stream = new LogStream(log.Node, log.Name);
        }

        return stream;
    }

    private void PassOn(long now, CancellationToken cancellation)
    {
        const int bufferSize = 64 * 1024;
        var cursors = new List<LogCursor>();
        var buffers = new List<byte[]>();
        foreach (var (key, tail) in _tails.ToList())
        {
            (long From, long To)? ready;
            DateTimeOffset modified;
            try
            {
                ready = tail.Added(isLast: now - tail.LiveAt > RotatedPatience);
                modified = DateTimeOffset.UnixEpoch.AddTicks(FileStatus.Read(tail.File).ModifiedNs / 100);
            }
            catch (IOException problem)
            {
                // Of a network file system: another machine has deleted it. Were it still there, the next look would find it.
                note($"{tail.Path} cannot be read any further: {problem.Message}");
                Leave(key, tail);
                continue;
            }

            if (ready is { } added)
            {
                var reader = stamps(modified);
                var buffer = ArrayPool<byte>.Shared.Rent(bufferSize);
                buffers.Add(buffer);
                cursors.Add(new LogCursor(
                    tail.Stream, [new LogPart(tail.Path, tail.File, added.From, added.To, IsCompressed: false, reader)], buffer, note));
                tail.At = added.To;
                tail.LiveAt = now;
            }
        }

        LogMerge.Run(cursors, sink, cancellation);
        cursors.ForEach(cursor => cursor.Dispose());
        buffers.ForEach(buffer => ArrayPool<byte>.Shared.Return(buffer));
    }
}
