using System.Globalization;

namespace ClusterFs.Content.Logs;

/// <summary>A log file's name, taken apart: what the service calls the log, and what rotation has made of it.</summary>
/// <param name="Name">Of the log: <c>access.log</c> for <c>access.log.2.gz</c>.</param>
/// <param name="Number">As logrotate counts: the higher, the older. 0 where there is none.</param>
/// <param name="Date">As logrotate dates: digits, the lower the older. Empty where there is none.</param>
/// <param name="Compression">gz, or another that cannot be read: xz, bz2, zst. Empty for a plain file.</param>
internal sealed record LogFileName(string Name, int Number, string Date, string Compression) : IComparable<LogFileName>
{
    private static readonly string[] Compressions = ["gz", "xz", "bz2", "zst"];

    /// <summary>Whether the service writes to it, as far as names go.</summary>
    public bool IsCurrent => Number == 0 && Date.Length == 0 && Compression.Length == 0;

    public static LogFileName Parse(string file)
    {
        var rest = file;
        var compression = "";
        if (Array.Find(Compressions, known => file.EndsWith($".{known}", StringComparison.Ordinal)) is { } found && file.Length > found.Length + 1)
        {
            compression = found;
            rest = file[..^(found.Length + 1)];
        }

        // app.log.3, app.log-20261128.3
        var number = 0;
        const int longestNumber = 4;
        if (rest.LastIndexOf('.') is var dot and > 0 && rest.Length - dot - 1 is > 0 and <= longestNumber && rest[(dot + 1)..].All(char.IsAsciiDigit))
        {
            number = int.Parse(rest[(dot + 1)..], NumberStyles.None, CultureInfo.InvariantCulture);
            rest = rest[..dot];
        }

        // app.log-20261128, app.log-20261128-1764370800, app.log-2026-11-28, app.log.2026-11-28
        const int shortestDate = 8;
        var begin = rest.Length;
        while (begin > 0 && (char.IsAsciiDigit(rest[begin - 1]) || rest[begin - 1] == '-'))
        {
            begin--;
        }

        // The hyphen before it is no part of it.
        var hasHyphen = begin < rest.Length && rest[begin] == '-';
        var date = new string([.. rest[begin..].Where(char.IsAsciiDigit)]);
        var nameEnd = hasHyphen ? begin : begin > 0 && rest[begin - 1] == '.' ? begin - 1 : -1;
        return date.Length >= shortestDate && nameEnd > 0
            ? new LogFileName(rest[..nameEnd], number, date, compression)
            : new LogFileName(rest, number, "", compression);
    }

    /// <summary>Older files of a log before newer ones. Of a file and its compressed form, the compressed one.</summary>
    public int CompareTo(LogFileName? other)
    {
        ArgumentNullException.ThrowIfNull(other);
        var isDated = Date.Length > 0;
        if (isDated && other.Date.Length > 0 && Date != other.Date)
        {
            return string.CompareOrdinal(Date, other.Date);
        }

        // The one in use is the newest; dated ones are of another time than numbered ones, most likely an earlier one.
        if (isDated != other.Date.Length > 0)
        {
            return isDated ? -1 : 1;
        }

        return Number != other.Number
            ? other.Number.CompareTo(Number)
            : string.CompareOrdinal(other.Compression, Compression);
    }

    /// <summary>Whether the two hold the same lines: one is being compressed into the other.</summary>
    public bool IsSameButCompressed(LogFileName other) => Name == other.Name && Number == other.Number && Date == other.Date;
}
