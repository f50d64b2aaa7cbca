using System.Globalization;

namespace ClusterFs.Cli.Display;

/// <summary>Figures as people read them.</summary>
internal static class Humane
{
    /// <summary>Words of hooks and programs, without what would break a line or steer the terminal.</summary>
    public static string Printable(string text) =>
        text.Any(char.IsControl) ? string.Concat(text.Select(one => one is '\t' or '\r' or '\n' ? ' ' : char.IsControl(one) ? '\uFFFD' : one)) : text;

    public static string Bytes(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var amount = (double)bytes;
        var unit = 0;
        while (amount >= 1024 && unit < units.Length - 1)
        {
            amount /= 1024;
            unit++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{amount:0.#} {units[unit]}");
    }

    public static string Seconds(double seconds) => seconds switch
    {
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(seconds / 60)} min {Math.Floor(seconds % 60)} s"),
        < 86400 => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(seconds / 3600)} h {Math.Floor(seconds % 3600 / 60)} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Math.Floor(seconds / 86400)} d {Math.Floor(seconds % 86400 / 3600)} h"),
    };

    /// <summary>Machines' clocks differ a little: the future is now.</summary>
    public static string Ago(DateTimeOffset at, DateTimeOffset now) => $"{Seconds(Math.Max(0, (now - at).TotalSeconds))} ago";

    public static string Time(DateTimeOffset at) => at.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
