using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>The end of a file that lines are added to, whatever it is called by now.</summary>
internal sealed class LogTail(LogStream stream, string path, SafeFileHandle file, long at) : IDisposable
{
    public LogStream Stream => stream;

    /// <summary>Which file it is on shared storage, or will be.</summary>
    public string Path { get; private set; } = path;

    public SafeFileHandle File { get; private set; } = file;

    /// <summary>The first byte that was not read.</summary>
    public long At { get; set; } = at;

    /// <summary>When it had something new last, or was the file in use.</summary>
    public long LiveAt { get; set; }

    /// <summary>
    /// Whether lines may be added to a file: to the one that the service writes to (the newest, where it writes the date into their names), and to all that
    /// are on their way from a node's disk.
    /// </summary>
    public static bool IsFollowed(FoundLog log, FoundFile file) =>
        file.Name.IsCurrent || (file.Name.Compression.Length == 0 && (IsOnItsWay(log) || file == log.Files.Last(one => one.Name.Compression.Length == 0)));

    public static bool IsOnItsWay(FoundLog log) => System.IO.Path.GetFileName(log.Place).Contains(LogLayout.MovedMark, StringComparison.Ordinal);

    /// <summary>Goes on with the same file opened again: on a network file system, that is what shows what others wrote.</summary>
    public void Renew(SafeFileHandle opened, string called)
    {
        File.Dispose();
        (File, Path) = (opened, called);
    }

    /// <summary>The lines that were added since, if any.</summary>
    /// <param name="isLast">Nothing more is expected: what is no whole line is one now.</param>
    public (long From, long To)? Added(bool isLast)
    {
        const int longest = 1024 * 1024;
        var size = FileStatus.Read(File).Size;
        if (size < At)
        {
            // Truncated and begun anew.
            At = 0;
        }

        var to = isLast ? size : OpenLogs.EndOfLines(File, At, size);
        if (to == At && size - At >= longest)
        {
            to = size;
        }

        return to > At ? (At, to) : null;
    }

    public void Dispose() => File.Dispose();
}
