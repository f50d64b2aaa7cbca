using System.Diagnostics.CodeAnalysis;

namespace ClusterFs.Content.Logs.Stamps;

/// <summary>Numbers and names of months in the bytes of a line.</summary>
internal static class Digits
{
    private static ReadOnlySpan<byte> Months => "janfebmaraprmayjunjulaugsepoctnovdec"u8;

    public static bool IsDigit(byte value) => (uint)(value - '0') <= 9;

    /// <summary>A number of exactly so many digits.</summary>
    public static bool TryRead(ReadOnlySpan<byte> text, int at, int count, out int number)
    {
        number = 0;
        if (at < 0 || at + count > text.Length)
        {
            return false;
        }

        foreach (var value in text.Slice(at, count))
        {
            if (!IsDigit(value))
            {
                return false;
            }

            number = (number * 10) + (value - '0');
        }

        return true;
    }

    /// <summary>A day of a month that may be written with a space in place of its first digit.</summary>
    public static bool TryReadPadded(ReadOnlySpan<byte> text, int at, out int number) =>
        at < text.Length && text[at] == ' ' ? TryRead(text, at + 1, 1, out number) : TryRead(text, at, 2, out number);

    /// <summary>An English month of three letters.</summary>
    [SuppressMessage("Style", "IDE0302", Justification = "a span on the stack")]
    public static bool TryReadMonth(ReadOnlySpan<byte> text, int at, out int month)
    {
        month = 0;
        if (at < 0 || at + 3 > text.Length)
        {
            return false;
        }

        const byte lower = 0x20;
        ReadOnlySpan<byte> name = stackalloc byte[] { (byte)(text[at] | lower), (byte)(text[at + 1] | lower), (byte)(text[at + 2] | lower) };
        for (var i = 0; i < Months.Length; i += 3)
        {
            if (name.SequenceEqual(Months.Slice(i, 3)))
            {
                month = (i / 3) + 1;
                return true;
            }
        }

        return false;
    }
}
