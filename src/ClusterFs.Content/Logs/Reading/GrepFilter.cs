using System.Text;
using System.Text.RegularExpressions;

namespace ClusterFs.Content.Logs.Reading;

/// <summary>
/// Passes on stamped lines with the unstamped ones after them when one of these lines matches an expression. Of what comes before the line that
/// matches, so much is passed on as is kept.
/// </summary>
internal sealed class GrepFilter : ILineSink
{
    private const int MostKept = 256 * 1024;

    private readonly ILineSink _next;
    private readonly Regex? _expression;
    private readonly byte[] _literal;
    private readonly Dictionary<LogStream, Entry> _entries = [];
    private char[] _characters = new char[4096];
    private LogStream? _stream;
    private Entry _entry = new();

    /// <exception cref="ArgumentException">It is no regular expression.</exception>
    public GrepFilter(string expression, ILineSink next)
    {
        _next = next;

        // What has no meaning to an expression is looked for as it is: many times as fast.
        _literal = Regex.Escape(expression) == expression ? Encoding.UTF8.GetBytes(expression) : [];
        _expression = _literal.Length > 0 ? null : new Regex(expression, RegexOptions.CultureInvariant);
    }

    public void Write(LogStream stream, in LogLine line)
    {
        if (!ReferenceEquals(stream, _stream))
        {
            _stream = stream;
            if (!_entries.TryGetValue(stream, out _entry!))
            {
                _entries[stream] = _entry = new Entry();
            }
        }

        if (line.IsStamped)
        {
            _entry.Clear();
        }

        if (!_entry.HasMatched && Matches(line.Bytes))
        {
            _entry.HasMatched = true;
            PassOnKept(stream);
        }

        if (_entry.HasMatched)
        {
            _next.Write(stream, line);
        }
        else
        {
            _entry.Keep(line);
        }
    }

    private bool Matches(ReadOnlySpan<byte> line)
    {
        if (_expression is null)
        {
            return line.IndexOf(_literal) >= 0;
        }

        line = line.TrimEnd("\r\n"u8);
        if (_characters.Length < line.Length)
        {
            _characters = new char[line.Length];
        }

        return _expression.IsMatch(_characters.AsSpan(0, Encoding.UTF8.GetChars(line, _characters)));
    }

    private void PassOnKept(LogStream stream)
    {
        foreach (var (start, length, ticks, isStamped, isBeginning) in _entry.Lines)
        {
            _next.Write(stream, new LogLine(_entry.Bytes.AsSpan(start, length), ticks, isStamped, isBeginning));
        }

        _entry.Clear();
        _entry.HasMatched = true;
    }

    private sealed class Entry
    {
        private int _used;
        private bool _isTooLong;

        public bool HasMatched { get; set; }

        public byte[] Bytes { get; private set; } = [];

        public List<(int Start, int Length, long Ticks, bool IsStamped, bool IsBeginning)> Lines { get; } = [];

        public void Clear()
        {
            HasMatched = false;
            Lines.Clear();
            (_used, _isTooLong) = (0, false);
        }

        public void Keep(in LogLine line)
        {
            if (_isTooLong || _used + line.Bytes.Length > MostKept)
            {
                Lines.Clear();
                (_used, _isTooLong) = (0, true);
                return;
            }

            if (Bytes.Length < _used + line.Bytes.Length)
            {
                var bytes = new byte[Math.Max(4096, 2 * (_used + line.Bytes.Length))];
                Bytes.AsSpan(0, _used).CopyTo(bytes);
                Bytes = bytes;
            }

            line.Bytes.CopyTo(Bytes.AsSpan(_used));
            Lines.Add((_used, line.Bytes.Length, line.Ticks, line.IsStamped, line.IsBeginning));
            _used += line.Bytes.Length;
        }
    }
}
