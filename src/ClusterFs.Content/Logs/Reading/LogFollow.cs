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

    /// <summary>Goes on where reading has ended.</summary>
    public void GoOn(OpenLogs read)
    {
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
        foreach (var log in catalog.Find(note).Where(query.Wants))
        {
            foreach (var file in log.Files.Where(file => LogTail.IsFollowed(log, file)))
            {
                See(log, file, now);
            }
        }

        PassOn(now, cancellation);
        foreach (var (key, tail) in _tails.Where(tail => now - tail.Value.LiveAt > RotatedPatience).ToList())
        {
            tail.Dispose();
            _tails.Remove(key);
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

    private void See(FoundLog log, FoundFile file, long now)
    {
        SafeFileHandle handle;
        try
        {
            handle = UnlockedFile.OpenRead(file.Path);
        }
        catch (IOException)
        {
            // Renamed in between: it is there under its next name at the next look, or was open already.
            return;
        }

        var status = FileStatus.Read(handle);
        var path = PlaceOf(log, file);
        if (!_tails.TryGetValue((status.Device, status.Inode), out var tail))
        {
            // The copy of a file that was read on this node's disk as far as that: a copy is a beginning of it.
            var before = LogTail.IsOnItsWay(log) ? _tails.Values.FirstOrDefault(other => other.Path == path) : null;
            tail = new LogTail(StreamOf(log), path, handle, before?.At ?? 0);
            _tails[(status.Device, status.Inode)] = tail;
        }
        else
        {
            tail.Renew(handle, path);
        }

        tail.LiveAt = now;
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
        foreach (var tail in _tails.Values)
        {
            if (tail.Added(isLast: now - tail.LiveAt > RotatedPatience) is { } added)
            {
                var reader = stamps(DateTimeOffset.UnixEpoch.AddTicks(FileStatus.Read(tail.File).ModifiedNs / 100));
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
