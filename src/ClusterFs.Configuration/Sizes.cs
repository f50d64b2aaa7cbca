using System.Globalization;

namespace ClusterFs.Configuration;

/// <summary>Sizes as users write them: a number and a unit.</summary>
public static class Sizes
{
    private static readonly (string Unit, long Bytes)[] Units =
        [("PiB", 1L << 50), ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("B", 1)];

    /// <summary>Reads <c>2GiB</c>, <c>1.5 TiB</c>. The unit is required, and powers of 1024 alone: others are taken for one another.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var trimmed = text.AsSpan().Trim();
        var end = trimmed.LastIndexOfAnyInRange('0', '9') + 1;
        if (!decimal.TryParse(trimmed[..end], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
        {
            return false;
        }

        foreach (var (unit, size) in Units)
        {
            if (trimmed[end..].Trim().SequenceEqual(unit) && number <= (decimal)long.MaxValue / size)
            {
                bytes = (long)(number * size);
                return true;
            }
        }

        return false;
    }

    /// <summary>The shortest way to write a size exactly.</summary>
    public static string Show(long bytes)
    {
        var (unit, size) = bytes == 0 ? Units[^1] : Units.First(one => bytes % one.Bytes == 0);
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / size}{unit}");
    }
}
