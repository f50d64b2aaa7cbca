using System.Globalization;
using ClusterFs.Archive.Manifests;

namespace ClusterFs.Archive.Capture;

/// <summary>Counts what a capture took, and says in words how, and what that guarantees.</summary>
/// <param name="moment">What is true of all files; null when each has a guarantee of its own.</param>
/// <param name="note">Why no better guarantee was to be had; null when there is nothing to be said.</param>
internal sealed class CaptureWords(string? moment = null, string? note = null)
{
    private const int MaxNamed = 3;
    private readonly List<string> _torn = [];
    private long _databases;
    private long _copied;
    private long _raw;
    private long _changed;

    public long Files => _databases + _copied + _raw;

    public long Bytes { get; private set; }

    public void Count(ManifestEntry entry)
    {
        if (entry.Content is not { } content)
        {
            return;
        }

        Bytes += content.Size;
        switch (entry.Method)
        {
            case CaptureMethod.Sqlite:
                _databases++;
                break;
            case CaptureMethod.Copied:
                _copied++;
                break;
            default:
                _raw++;
                break;
        }

        if (entry.ChangedWhileCopied && ++_changed <= MaxNamed)
        {
            _torn.Add(entry.Path);
        }
    }

    /// <param name="namesPaths">Not where contents are encrypted: these words are not.</param>
    public string Describe(int special, bool namesPaths = true)
    {
        var parts = new List<string>();
        if (moment is null)
        {
            DescribeEach(parts);
        }
        else if (Files > 0)
        {
            parts.Add($"{Count(Files, "file")}: {moment}");
        }

        if (_torn.Count > 0 && !namesPaths)
        {
            parts.Add($"{Count(_changed, "file")} CHANGED WHILE BEING COPIED, may be torn");
        }
        else if (_torn.Count > 0)
        {
            var more = _changed > MaxNamed ? $" and {Number(_changed - MaxNamed)} more" : string.Empty;
            parts.Add($"CHANGED WHILE BEING COPIED, may be torn: {string.Join(", ", _torn)}{more}");
        }

        if (special > 0)
        {
            parts.Add($"{Count(special, "socket, pipe or device", "sockets, pipes or devices")} left out");
        }

        if (parts.Count == 0)
        {
            return "no files";
        }

        if (note is not null)
        {
            parts.Add(note);
        }

        return string.Join("; ", parts);
    }

    private void DescribeEach(List<string> parts)
    {
        if (_databases > 0)
        {
            parts.Add(_databases == 1
                ? "1 SQLite database: as of one moment, by SQLite's locking"
                : $"{Number(_databases)} SQLite databases: each as of one moment, by SQLite's locking");
        }

        if (_copied > 0)
        {
            parts.Add($"{Count(_copied, _databases > 0 ? "other file" : "file")}: copied one by one, not of one moment");
        }

        if (_raw > 0)
        {
            parts.Add($"{Count(_raw, "file")}: as they lay there, with no writer running");
        }
    }

    private static string Count(long count, string one, string? many = null) => count == 1 ? $"1 {one}" : $"{Number(count)} {many ?? one + "s"}";

    private static string Number(long count) => count.ToString(CultureInfo.InvariantCulture);
}
