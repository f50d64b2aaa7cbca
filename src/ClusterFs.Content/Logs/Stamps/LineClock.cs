namespace ClusterFs.Content.Logs.Stamps;

/// <summary>Turns what a line says of a time into ticks of UTC. Not safe for several threads.</summary>
/// <param name="zone">Of stamps that name none.</param>
/// <param name="notAfter">What stamps without a year lie before: the newest year is taken that does not lead beyond it.</param>
internal sealed class LineClock(TimeZoneInfo zone, DateTimeOffset notAfter)
{
    /// <summary>Offsets of zones change at quarters of an hour.</summary>
    private const long TicksPerQuarter = TimeSpan.TicksPerMinute * 15;

    private readonly DateTime _notAfter = notAfter.UtcDateTime;
    private long _quarter = -1;
    private long _offset;

    /// <summary>A time by the clock on the wall.</summary>
    /// <param name="fraction">Ticks beyond the second.</param>
    /// <returns>False when there is no such time.</returns>
    public static bool TryWall(int year, int month, int day, int hour, int minute, int second, long fraction, out long ticks)
    {
        ticks = 0;
        if (year < 1 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month) || hour > 23 || minute > 59 || second > 60)
        {
            return false;
        }

        // A leap second is the last one of its minute once more.
        ticks = new DateTime(year, month, day).Ticks
            + (hour * TimeSpan.TicksPerHour) + (minute * TimeSpan.TicksPerMinute) + (Math.Min(second, 59) * TimeSpan.TicksPerSecond) + fraction;
        return true;
    }

    /// <summary>The time in UTC of a time by the clock on the wall in the zone.</summary>
    public long FromZone(long wall)
    {
        var quarter = wall / TicksPerQuarter;
        if (quarter != _quarter)
        {
            _quarter = quarter;
            _offset = zone.GetUtcOffset(new DateTime(quarter * TicksPerQuarter, DateTimeKind.Unspecified)).Ticks;
        }

        return wall - _offset;
    }

    /// <summary>The same where no year is given.</summary>
    public bool TryYearless(int month, int day, int hour, int minute, int second, long fraction, out long ticks)
    {
        // A 29th of February may be up to eight years back.
        for (var year = _notAfter.Year; year > Math.Max(0, _notAfter.Year - 9); year--)
        {
            if (TryWall(year, month, day, hour, minute, second, fraction, out var wall) && FromZone(wall) is var utc && utc <= _notAfter.Ticks)
            {
                ticks = utc;
                return true;
            }
        }

        ticks = 0;
        return false;
    }
}
