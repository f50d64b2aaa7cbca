using System.Globalization;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.services.NAME.failback</c>: one text, because each of its forms has at most one value of its own.</summary>
internal static class FailbackBinder
{
    private const string Name = "failback";
    private const string After = "after:";
    private const string Window = "window:";
    private const string Expected = "expected never, manual, \"after:10m\" or \"window:02:00-04:00\"";

    private static readonly TimeSpan Min = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Max = TimeSpan.FromDays(30);

    public static FailbackSettings Bind(Section section)
    {
        var text = section.Text(Name);
        if (!text.Valid || text.Value is not { } written)
        {
            return FailbackSettings.Never;
        }

        return written switch
        {
            "never" => FailbackSettings.Never,
            "manual" => new FailbackSettings(FailbackKind.Manual),
            _ when written.StartsWith(After, StringComparison.Ordinal) => BindAfter(section, text, written[After.Length..]),
            _ when written.StartsWith(Window, StringComparison.Ordinal) => BindWindow(section, text, written[Window.Length..]),
            _ => Wrong(section, text, $"'{written}' is none of the choices", Expected),
        };
    }

    private static FailbackSettings BindAfter(Section section, Bound<string?> text, string duration)
    {
        if (!Durations.TryParse(duration, out var after))
        {
            return Wrong(section, text, $"'{duration}' is no duration", $"{Expected}, with a unit: s, m, h or d");
        }

        return after >= Min && after <= Max
            ? new FailbackSettings(FailbackKind.After) { After = after }
            : Wrong(section, text, $"'{duration}' is out of range", $"expected {Durations.Show(Min)} to {Durations.Show(Max)} after 'after:'");
    }

    private static FailbackSettings BindWindow(Section section, Bound<string?> text, string window)
    {
        const string format = "HH:mm";
        var ends = window.Split('-');
        if (ends.Length != 2
            || !TimeOnly.TryParseExact(ends[0].Trim(), format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var from)
            || !TimeOnly.TryParseExact(ends[1].Trim(), format, CultureInfo.InvariantCulture, DateTimeStyles.None, out var until))
        {
            return Wrong(section, text, $"'{window}' is no part of a day", "expected two times of day with two digits each, such as window:02:00-04:00 or window:23:30-01:00");
        }

        return from == until
            ? Wrong(section, text, $"'{window}' begins when it ends", "expected a window that is open for a while")
            : new FailbackSettings(FailbackKind.Window) { From = from, Until = until };
    }

    private static FailbackSettings Wrong(Section section, Bound<string?> text, string problem, string expected) =>
        section.Wrong(text.At, Name, FailbackSettings.Never, problem, expected).Value;
}
