using System.Globalization;

namespace ClusterFs.Configuration;

/// <summary>Durations as users write them: a number and a unit.</summary>
public static class Durations
{
    /// <summary>Longer than anything that makes sense here, and far from where arithmetic on ticks would overflow.</summary>
    private const double MaxMilliseconds = 1e13;

    /// <summary>Reads <c>1500ms</c>, <c>1.5 s</c>, <c>-2m</c>. The unit is required: some would take a bare number for seconds.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        var trimmed = text.AsSpan().Trim();
        var end = trimmed.LastIndexOfAnyInRange('0', '9') + 1;
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
        if (!double.TryParse(trimmed[..end], Style, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        double? unit = trimmed[end..].Trim() switch
        {
            "ms" or "millis" or "milliseconds" or "millisecond" => 1,
            "s" or "seconds" or "second" => 1_000,
            "m" or "minutes" or "minute" => 60_000,
            "h" or "hours" or "hour" => 3_600_000,
            "d" or "days" or "day" => 86_400_000,
            _ => null,
        };
        if (unit is null || Math.Abs(number * unit.Value) > MaxMilliseconds)
        {
            return false;
        }

        duration = TimeSpan.FromMilliseconds(number * unit.Value);
        return true;
    }

    /// <summary>The shortest way to write a duration.</summary>
    public static string Show(TimeSpan duration) => duration.TotalMilliseconds switch
    {
        var ms when ms % 86_400_000 == 0 && ms != 0 => Invariant($"{ms / 86_400_000}d"),
        var ms when ms % 3_600_000 == 0 && ms != 0 => Invariant($"{ms / 3_600_000}h"),
        var ms when ms % 60_000 == 0 && ms != 0 => Invariant($"{ms / 60_000}m"),
        var ms when ms % 1_000 == 0 => Invariant($"{ms / 1_000}s"),
        var ms => Invariant($"{ms}ms"),
    };

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
