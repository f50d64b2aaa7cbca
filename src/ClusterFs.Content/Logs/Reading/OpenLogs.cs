using ClusterFs.Content.Logs.Stamps;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>A log with the files of it that are to be read, open: rotation may rename them as it likes from here on.</summary>
internal sealed record OpenLog(FoundLog Found, LogStream Stream, List<OpenFile> Files);

/// <param name="Status">When it was opened.</param>
internal sealed record OpenFile(FoundFile Found, SafeFileHandle Handle, FileStatus Status, LogPart Part);

/// <summary>Opens what a query needs of the files that there are. Closes them when disposed.</summary>
internal sealed class OpenLogs : IDisposable
{
    /// <summary>How far lines of a file may be out of order (of requests that took long, stamped when they began), and are found all the same.</summary>
    public static readonly TimeSpan Disorder = TimeSpan.FromMinutes(1);

    /// <summary>Files are renamed within moments.</summary>
    private const int MostAttempts = 10;

    private OpenLogs(List<OpenLog> logs) => Logs = logs;

    public List<OpenLog> Logs { get; }

    public static OpenLogs Open(LogCatalog catalog, LogQuery query, Func<DateTimeOffset, StampReader> stamps, Action<string> note)
    {
        for (var attempt = 1; ; attempt++)
        {
            var logs = new List<OpenLog>();
            try
            {
                foreach (var found in catalog.Find(note).Where(query.Wants))
                {
                    logs.Add(Open(found, query, stamps, note));
                }

                if (attempt == MostAttempts || logs.TrueForAll(IsAsFound))
                {
                    return new OpenLogs(logs);
                }
            }
            catch (FileNotFoundException) when (attempt < MostAttempts)
            {
                // Renamed or deleted in between: everything is looked at anew.
            }

            Close(logs);
        }
    }

    public void Dispose() => Close(Logs);

    /// <summary>The end of the last whole line before the end of a file.</summary>
    /// <param name="from">Where to stop looking.</param>
    public static long EndOfLines(SafeFileHandle file, long from, long to)
    {
        Span<byte> buffer = stackalloc byte[4096];
        for (var end = to; end > from;)
        {
            var start = Math.Max(from, end - buffer.Length);
            var read = RandomAccess.Read(file, buffer[..(int)(end - start)], start);
            if (buffer[..read].LastIndexOf((byte)'\n') is var found and >= 0)
            {
                return start + found + 1;
            }

            end = start;
        }

        return from;
    }

    private static void Close(List<OpenLog> logs)
    {
        foreach (var file in logs.SelectMany(log => log.Files))
        {
            file.Handle.Dispose();
        }
    }

    private static bool IsAsFound(OpenLog log) =>
        log.Files.TrueForAll(file => FileStatus.TryRead(file.Found.Path) is { } now && now.Inode == file.Status.Inode && now.Device == file.Status.Device);

    private static OpenLog Open(FoundLog found, LogQuery query, Func<DateTimeOffset, StampReader> stamps, Action<string> note)
    {
        var files = new List<OpenFile>();
        try
        {
            var needed = true;
            foreach (var file in found.Files.Reverse())
            {
                // To be followed later, so its place has to be known.
                var isFollowed = query.Follow && LogTail.IsFollowed(found, file);
                if ((needed && (query.Since is not null || !query.Follow)) || isFollowed)
                {
                    needed = TryOpen(file, query, needed, isFollowed, stamps, note, files) && needed;
                }
            }
        }
        catch
        {
            Close([new OpenLog(found, new LogStream("", ""), files)]);
            throw;
        }

        files.Reverse();
        return new OpenLog(found, new LogStream(found.Node, found.Name), files);
    }

    /// <returns>Whether older files are needed too.</returns>
    private static bool TryOpen(
        FoundFile file, LogQuery query, bool isNeeded, bool isFollowed, Func<DateTimeOffset, StampReader> stamps, Action<string> note, List<OpenFile> files)
    {
        if (file.Name.Compression is not ("" or "gz"))
        {
            note($"{file.Path} is left out: only .gz can be read of what is compressed");
            return true;
        }

        SafeFileHandle handle;
        try
        {
            handle = UnlockedFile.OpenRead(file.Path);
        }
        catch (PosixException problem)
        {
            note(problem.Message);
            return true;
        }

        try
        {
            var status = FileStatus.Read(handle);
            var reader = stamps(DateTimeOffset.UnixEpoch.AddTicks(status.ModifiedNs / 100));
            var isCompressed = file.Name.Compression.Length > 0;
            var to = isFollowed ? EndOfLines(handle, 0, status.Size) : status.Size;
            var from = !isNeeded || (query.Follow && query.Since is null) ? to : 0;
            var older = true;
            if (from == 0 && query.Since is { } since && FirstStamp(file, handle, to, isCompressed, reader, note) is { } first
                && since.UtcTicks - Disorder.Ticks is var start && first < start)
            {
                older = false;
                from = isCompressed ? 0 : StampSearch.FirstNotBefore(handle, 0, to, start, reader);
            }

            files.Add(new OpenFile(file, handle, status, new LogPart(file.Path, handle, from, to, isCompressed, reader)));
            return older;
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    private static long? FirstStamp(FoundFile file, SafeFileHandle handle, long to, bool isCompressed, StampReader stamps, Action<string> note)
    {
        try
        {
            return StampSearch.FirstStamp(handle, to, isCompressed, stamps);
        }
        catch (InvalidDataException problem)
        {
            note($"{file.Path} cannot be read: {problem.Message}");
            return null;
        }
    }
}
