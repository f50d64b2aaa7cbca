using System.Globalization;

namespace ClusterFs.Configuration;

/// <summary>Sizes as users write them: a number and a unit.</summary>
public static class Sizes
{
    private const double MaxBytes = 1L << 60;

    private static readonly (string Unit, int Bits)[] Units = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10), ("B", 0)];

    /// <summary>Reads <c>2GiB</c>, <c>1.5 MiB</c>, <c>100B</c>. The unit is required: some would take a bare number for mebibytes.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        foreach (var (unit, bits) in Units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal))
            {
                if (!double.TryParse(text.AsSpan()[..^unit.Length].Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                    || number * (1L << bits) > MaxBytes)
                {
                    return false;
                }

                bytes = (long)(number * (1L << bits));
                return true;
            }
        }

        return false;
    }

    /// <summary>The shortest way to write a size.</summary>
    public static string Show(long bytes)
    {
        var (unit, bits) = Units.First(unit => unit.Bits == 0 || (bytes != 0 && bytes % (1L << unit.Bits) == 0));
        return string.Create(CultureInfo.InvariantCulture, $"{bytes >> bits}{unit}");
    }
}
