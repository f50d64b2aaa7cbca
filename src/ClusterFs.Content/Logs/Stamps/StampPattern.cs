using System.Collections.Immutable;
using System.Text;
using ClusterFs.Configuration;

namespace ClusterFs.Content.Logs.Stamps;

/// <summary>A form of time stamps that a site has for itself, such as <c>%d.%m.%Y %H:%M:%S</c>; immutable. See <see cref="TimePatterns"/>.</summary>
public sealed class StampPattern
{
    private readonly ImmutableArray<Step> _steps;
    private readonly bool _anywhere;

    private StampPattern(ImmutableArray<Step> steps, bool anywhere) => (_steps, _anywhere) = (steps, anywhere);

    /// <summary>Either a conversion, by its letter, or one byte to be found as it is.</summary>
    private readonly record struct Step(char Conversion, byte Literal);

    /// <exception cref="ArgumentException">It is no pattern; the message says why.</exception>
    public static StampPattern Parse(string text)
    {
        if (TimePatterns.ProblemOf(text) is { } problem)
        {
            throw new ArgumentException(problem, nameof(text));
        }

        var anywhere = text.StartsWith('*');
        var steps = ImmutableArray.CreateBuilder<Step>();
        var bytes = Encoding.UTF8.GetBytes(anywhere ? text[1..] : text);
        for (var i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] == '%' && bytes[i + 1] != '%')
            {
                steps.Add(new Step((char)bytes[++i], 0));
            }
            else
            {
                i += bytes[i] == '%' ? 1 : 0;
                steps.Add(new Step('\0', bytes[i]));
            }
        }

        return new StampPattern(steps.ToImmutable(), anywhere);
    }

    internal bool TryRead(ReadOnlySpan<byte> line, LineClock clock, out long ticks)
    {
        if (!_anywhere)
        {
            return TryReadAt(line, 0, clock, out ticks);
        }

        for (var at = 0; at < line.Length; at++)
        {
            if (_steps[0].Conversion == '\0')
            {
                var found = line[at..].IndexOf(_steps[0].Literal);
                if (found < 0)
                {
                    break;
                }

                at += found;
            }

            if (TryReadAt(line, at, clock, out ticks))
            {
                return true;
            }
        }

        ticks = 0;
        return false;
    }

    private bool TryReadAt(ReadOnlySpan<byte> line, int at, LineClock clock, out long ticks)
    {
        ticks = 0;
        int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
        long fraction = 0;
        long? offset = null, epoch = null;
        foreach (var (conversion, literal) in _steps)
        {
            var read = conversion switch
            {
                '\0' => at < line.Length && line[at] == literal ? 1 : 0,
                'Y' => Digits.TryRead(line, at, 4, out year) ? 4 : 0,
                'm' => Digits.TryRead(line, at, 2, out month) ? 2 : 0,
                'b' => Digits.TryReadMonth(line, at, out month) ? 3 : 0,
                'd' => Digits.TryRead(line, at, 2, out day) ? 2 : 0,
                'e' => Digits.TryReadPadded(line, at, out day) ? 2 : Digits.TryRead(line, at, 1, out day) ? 1 : 0,
                'H' => Digits.TryRead(line, at, 2, out hour) ? 2 : 0,
                'M' => Digits.TryRead(line, at, 2, out minute) ? 2 : 0,
                'S' => Digits.TryRead(line, at, 2, out second) ? 2 : 0,
                'f' => StampReader.ReadFractionDigits(line, at, out fraction) - at,
                'z' => StampReader.TryOffset(line, at, out var written, out var end) && (offset = written) is not null ? end - at : 0,
                's' => ReadEpoch(line, at, out epoch),
                _ => 0,
            };
            if (read == 0)
            {
                return false;
            }

            at += read;
        }

        if (epoch is { } seconds)
        {
            ticks = DateTime.UnixEpoch.Ticks + (seconds * TimeSpan.TicksPerSecond) + fraction;
            return true;
        }

        if (year == 0)
        {
            return clock.TryYearless(month, day, hour, minute, second, fraction, out ticks);
        }

        if (!LineClock.TryWall(year, month, day, hour, minute, second, fraction, out var wall))
        {
            return false;
        }

        ticks = offset is { } east ? wall - east : clock.FromZone(wall);
        return true;
    }

    private static int ReadEpoch(ReadOnlySpan<byte> line, int at, out long? seconds)
    {
        const int longest = 11;
        var end = at;
        long number = 0;
        for (; end < line.Length && end - at < longest && Digits.IsDigit(line[end]); end++)
        {
            number = (number * 10) + (line[end] - '0');
        }

        seconds = end > at ? number : null;
        return end - at;
    }
}
