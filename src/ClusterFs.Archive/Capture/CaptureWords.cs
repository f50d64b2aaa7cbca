using System.Globalization;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Capture;

/// <summary>Says in words how a dump was captured and what that guarantees.</summary>
internal static class CaptureWords
{
    private const int MaxNamed = 3;

    public static string Describe(IReadOnlyList<ManifestEntry> entries, int special)
    {
        var files = entries.Where(entry => entry.Content is not null).ToList();
        var databases = files.Count(entry => entry.Method == CaptureMethod.Sqlite);
        var copied = files.Count(entry => entry.Method == CaptureMethod.Copied);
        var raw = files.Count(entry => entry.Method == CaptureMethod.Raw);
        var torn = files.Where(entry => entry.ChangedWhileCopied).Select(entry => entry.Path).ToList();
        var parts = new List<string>();
        if (databases > 0)
        {
            parts.Add(databases == 1
                ? "1 SQLite database: as of one moment, by SQLite's backup"
                : $"{Number(databases)} SQLite databases: each as of one moment, by SQLite's backup");
        }

        if (copied > 0)
        {
            parts.Add($"{Count(copied, databases > 0 ? "other file" : "file")}: copied one by one, not of one moment");
        }

        if (raw > 0)
        {
            parts.Add($"{Count(raw, "file")}: as they lay there, with no writer running");
        }

        if (torn.Count > 0)
        {
            var more = torn.Count > MaxNamed ? $" and {torn.Count - MaxNamed} more" : string.Empty;
            parts.Add($"CHANGED WHILE BEING COPIED, may be torn: {string.Join(", ", torn.Take(MaxNamed))}{more}");
        }

        if (special > 0)
        {
            parts.Add($"{Count(special, "socket, pipe or device", "sockets, pipes or devices")} left out");
        }

        return parts.Count == 0 ? "no files" : string.Join("; ", parts);
    }

    private static string Count(int count, string one, string? many = null) => count == 1 ? $"1 {one}" : $"{Number(count)} {many ?? one + "s"}";

    private static string Number(int count) => count.ToString(CultureInfo.InvariantCulture);
}
