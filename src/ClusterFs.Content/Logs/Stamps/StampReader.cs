namespace ClusterFs.Content.Logs.Stamps;

/// <summary>
/// Finds the time stamp of a line: RFC 3339 and its relatives, syslog, the common log format, or a pattern alone where one is given. Each line is
/// judged by itself, so that what is found does not depend on where reading began. Not safe for several threads.
/// </summary>
/// <param name="pattern">The only kind of stamps there are; null for the usual ones.</param>
/// <param name="zone">Of stamps that name none.</param>
/// <param name="writtenBy">When the file was written last: no stamp is more than a day later.</param>
public sealed class StampReader(StampPattern? pattern, TimeZoneInfo zone, DateTimeOffset writtenBy)
{
    /// <summary>A stamp lies so near to the beginning of its line, in bytes.</summary>
    internal const int Reach = 512;

    private const int ClfLength = 26;
    private readonly LineClock _clock = new(zone, writtenBy.AddDays(1));
    private readonly long _latest = writtenBy.AddDays(1).UtcTicks;

    /// <summary>Reads the stamp of a line.</summary>
    /// <param name="line">With or without what ends it.</param>
    /// <param name="ticks">In UTC, as <see cref="DateTime.Ticks"/>.</param>
    /// <returns>False for a line without one.</returns>
    public bool TryRead(ReadOnlySpan<byte> line, out long ticks) => TryFind(line, out ticks) && ticks >= 0 && ticks <= _latest;

    private bool TryFind(ReadOnlySpan<byte> whole, out long ticks)
    {
        var line = whole.Length > Reach ? whole[..Reach] : whole;

        if (pattern is not null)
        {
            return pattern.TryRead(line, _clock, out ticks);
        }

        var start = AfterPriority(line);
        if (start < line.Length && line[start] == '[' && TryIso(line, start + 1, out ticks))
        {
            return true;
        }

        return TryIso(line, start, out ticks) || TrySyslog(line, start, out ticks) || TryCommonLog(whole, out ticks);
    }

    /// <summary>Where a line of syslog begins after its priority (RFC 3164) and version (RFC 5424).</summary>
    private static int AfterPriority(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty || line[0] != '<')
        {
            return 0;
        }

        var end = line[..Math.Min(line.Length, 5)].IndexOf((byte)'>');
        if (end < 2)
        {
            return 0;
        }

        var next = end + 1;
        return next + 1 < line.Length && line[next] == '1' && line[next + 1] == ' ' ? next + 2 : next;
    }

    /// <summary>2026-11-28T23:12:42.123Z, and with a space, slashes, a comma, an offset in other forms, or no offset.</summary>
    private bool TryIso(ReadOnlySpan<byte> line, int at, out long ticks)
    {
        ticks = 0;
        const int length = 19;
        if (at + length > line.Length || line[at + 4] is not ((byte)'-' or (byte)'/') || line[at + 7] != line[at + 4]
            || line[at + 10] is not ((byte)'T' or (byte)'t' or (byte)' ') || line[at + 13] != ':' || line[at + 16] != ':'
            || !Digits.TryRead(line, at, 4, out var year) || !Digits.TryRead(line, at + 5, 2, out var month)
            || !Digits.TryRead(line, at + 8, 2, out var day) || !Digits.TryRead(line, at + 11, 2, out var hour)
            || !Digits.TryRead(line, at + 14, 2, out var minute) || !Digits.TryRead(line, at + 17, 2, out var second))
        {
            return false;
        }

        at = ReadFraction(line, at + length, out var fraction);
        if (!LineClock.TryWall(year, month, day, hour, minute, second, fraction, out var wall))
        {
            return false;
        }

        ticks = TryOffset(line, at, out var offset, out _) ? wall - offset : _clock.FromZone(wall);
        return true;
    }

    /// <summary>Nov 28 23:12:42</summary>
    private bool TrySyslog(ReadOnlySpan<byte> line, int at, out long ticks)
    {
        ticks = 0;
        const int length = 15;
        return at + length <= line.Length && line[at + 3] == ' ' && line[at + 6] == ' ' && line[at + 9] == ':' && line[at + 12] == ':'
            && Digits.TryReadMonth(line, at, out var month) && Digits.TryReadPadded(line, at + 4, out var day)
            && Digits.TryRead(line, at + 7, 2, out var hour) && Digits.TryRead(line, at + 10, 2, out var minute)
            && Digits.TryRead(line, at + 13, 2, out var second)
            && ReadFraction(line, at + length, out var fraction) > 0
            && _clock.TryYearless(month, day, hour, minute, second, fraction, out ticks);
    }

    /// <summary>
    /// 192.0.2.1 - alice [28/Nov/2026:23:12:42 +0000] "GET / HTTP/1.1" 200 … Who asks chooses the name before the stamp, with a stamp in it if he likes,
    /// and what is after the first quotation mark, but can write no such mark: the last stamp before it is the server's.
    /// </summary>
    private static bool TryCommonLog(ReadOnlySpan<byte> line, out long ticks)
    {
        ticks = 0;
        var quoted = line.IndexOf((byte)'"');
        var rest = quoted >= 0 ? line[..quoted] : line[..Math.Min(line.Length, Reach)];
        while (rest.LastIndexOf((byte)'[') is var at and >= 0)
        {
            if (TryBracket(line, at + 1, out ticks))
            {
                return true;
            }

            rest = rest[..at];
        }

        return false;
    }

    private static bool TryBracket(ReadOnlySpan<byte> line, int at, out long ticks)
    {
        ticks = 0;
        if (at + ClfLength <= line.Length && line[at + 2] == '/' && line[at + 6] == '/' && line[at + 11] == ':' && line[at + 14] == ':' && line[at + 17] == ':'
            && Digits.TryRead(line, at, 2, out var day) && Digits.TryReadMonth(line, at + 3, out var month)
            && Digits.TryRead(line, at + 7, 4, out var year) && Digits.TryRead(line, at + 12, 2, out var hour)
            && Digits.TryRead(line, at + 15, 2, out var minute) && Digits.TryRead(line, at + 18, 2, out var second)
            && TryOffset(line, at + 20, out var offset, out _)
            && LineClock.TryWall(year, month, day, hour, minute, second, 0, out var wall))
        {
            ticks = wall - offset;
            return true;
        }

        return false;
    }

    /// <summary>A point or comma and digits; of more than seven, the rest is below a tick.</summary>
    /// <returns>Where it ends.</returns>
    internal static int ReadFraction(ReadOnlySpan<byte> line, int at, out long fraction)
    {
        fraction = 0;
        if (at + 1 >= line.Length || line[at] is not ((byte)'.' or (byte)',') || !Digits.IsDigit(line[at + 1]))
        {
            return at;
        }

        return ReadFractionDigits(line, at + 1, out fraction);
    }

    /// <returns>Where they end.</returns>
    internal static int ReadFractionDigits(ReadOnlySpan<byte> line, int at, out long fraction)
    {
        fraction = 0;
        var unit = TimeSpan.TicksPerSecond / 10;
        for (; at < line.Length && Digits.IsDigit(line[at]); at++)
        {
            fraction += (line[at] - '0') * unit;
            unit /= 10;
        }

        return at;
    }

    /// <summary>Z, +02:00, +0200, +02, UTC or GMT, after a space or not.</summary>
    internal static bool TryOffset(ReadOnlySpan<byte> line, int at, out long offset, out int end)
    {
        offset = 0;
        end = at;
        if (at < line.Length && line[at] == ' ')
        {
            at++;
        }

        var rest = at < line.Length ? line[at..] : default;
        if (rest.IsEmpty)
        {
            return false;
        }

        if (rest[0] is (byte)'Z' or (byte)'z')
        {
            end = at + 1;
            return true;
        }

        if (rest.StartsWith("UTC"u8) || rest.StartsWith("GMT"u8))
        {
            end = at + 3;
            return true;
        }

        if (rest[0] is not ((byte)'+' or (byte)'-') || !Digits.TryRead(rest, 1, 2, out var hours) || hours > 23)
        {
            return false;
        }

        var minutesAt = rest.Length > 3 && rest[3] == ':' ? 4 : 3;
        var hasMinutes = Digits.TryRead(rest, minutesAt, 2, out var minutes) && minutes < 60;
        offset = ((hours * 60) + (hasMinutes ? minutes : 0)) * TimeSpan.TicksPerMinute * (rest[0] == '-' ? -1 : 1);
        end = at + (hasMinutes ? minutesAt + 2 : 3);
        return true;
    }
}
