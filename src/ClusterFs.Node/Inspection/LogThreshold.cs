using System.Collections.Immutable;

namespace ClusterFs.Node.Inspection;

/// <summary>Below which level the daemon logs nothing; can be changed while it runs, and is as usual after a restart. Thread-safe.</summary>
internal sealed class LogThreshold
{
    private static readonly ImmutableArray<(string Word, LogLevel Level)> Levels =
    [
        ("debug", LogLevel.Debug), ("information", LogLevel.Information), ("warning", LogLevel.Warning), ("error", LogLevel.Error),
    ];

    private volatile int _level = (int)LogLevel.Information;

    public static IEnumerable<string> Words => Levels.Select(one => one.Word);

    public string Word => Levels.First(one => (int)one.Level == _level).Word;

    public bool TrySet(string? word)
    {
        if (Levels.FirstOrDefault(one => one.Word == word) is not { Word: not null } found)
        {
            return false;
        }

        _level = (int)found.Level;
        return true;
    }

    /// <summary>Of the web server only warnings and worse, at any level: each request would be a line.</summary>
    public bool Passes(string? category, LogLevel level) =>
        level >= (LogLevel)_level && (level >= LogLevel.Warning || category?.StartsWith("Microsoft", StringComparison.Ordinal) != true);
}
