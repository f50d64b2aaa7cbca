using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace ClusterFs.Configuration.Hocon;

/// <summary>
/// Reads one file of HOCON, the configuration language of the actor library that the daemon is built on. It is our own reader because
/// the guard and the command line load no actor library and are compiled ahead of time.
/// </summary>
/// <remarks>
/// <para>
/// What is understood: objects with or without the outermost braces; <c>key = value</c>, <c>key : value</c> and <c>key { … }</c>;
/// dotted keys (<c>a.b = 1</c>) and quoted ones (<c>"a.b" = 1</c>); arrays; commas or line ends between entries; <c>#</c> and <c>//</c>
/// comments; strings that are quoted, triple-quoted or bare, and their concatenation on one line; concatenation of objects and of
/// arrays; <c>include "file"</c>, relative to the including file; <c>${path}</c> and <c>${?path}</c>, which fall back to environment
/// variables; later values override earlier ones and objects merge; <c>null</c> takes a value back.
/// </para>
/// <para>
/// What is not, and is refused with a clear error: <c>+=</c>; <c>include file(…)</c>, <c>url(…)</c>, <c>classpath(…)</c> and
/// <c>required(…)</c>; keys with spaces outside quotes; a value that refers to its own earlier value.
/// </para>
/// </remarks>
internal sealed class HoconParser
{
    /// <summary>How deep objects and arrays may nest; more is a mistake and would end the process by exhausting its stack.</summary>
    private const int MaxDepth = 64;

    private const string MustBeQuoted = "$\"{}[]:=,+#`^?!@*&\\";

    private readonly string _text;
    private readonly string _file;
    private readonly Func<string, Place, HoconObject?> _include;
    private int _position;
    private int _line = 1;
    private int _depth;

    private HoconParser(string text, string file, Func<string, Place, HoconObject?> include)
    {
        _text = text;
        _file = file;
        _include = include;
    }

    private Place Here => new(_file, _line);

    private bool AtEnd => _position >= _text.Length;

    private char Current => AtEnd ? '\0' : _text[_position];

    /// <summary>Reads a file's text.</summary>
    /// <param name="text">The whole text.</param>
    /// <param name="file">What to call the file in places.</param>
    /// <param name="include">Reads an included file; null when it cannot be read, which it has reported itself.</param>
    /// <exception cref="HoconSyntaxException">The text is not HOCON, or uses a part of it that is not understood.</exception>
    public static HoconObject Parse(string text, string file, Func<string, Place, HoconObject?> include) =>
        new HoconParser(text, file, include).ParseFile();

    private HoconObject ParseFile()
    {
        if (Current == '\uFEFF')
        {
            _position++;
        }

        SkipBlank();
        HoconObject root;
        if (Current == '{')
        {
            root = ParseObject();
            SkipBlank();
        }
        else
        {
            root = new HoconObject(new Place(_file, 1));
            ParseEntries(root);
        }

        return AtEnd ? root : throw Wrong($"'{Current}' does not belong here", "a '}' or ']' too many?");
    }

    private HoconObject ParseObject()
    {
        var opened = Here;
        var result = new HoconObject(opened);
        Enter();
        Advance();
        ParseEntries(result);
        if (AtEnd)
        {
            throw new HoconSyntaxException(opened, "this '{' is never closed", "expected a '}'");
        }

        if (Current != '}')
        {
            throw Wrong($"'{Current}' does not belong here", $"expected a '}}' for the '{{' of line {opened.Line}");
        }

        Advance();
        _depth--;
        return result;
    }

    /// <summary>Reads entries up to a closing bracket or the end, and leaves that to the caller.</summary>
    private void ParseEntries(HoconObject into)
    {
        SkipBlank();
        while (!AtEnd && Current is not ('}' or ']'))
        {
            ParseEntry(into);
            EndEntry("a key");
        }
    }

    /// <summary>What comes after an entry: the end of the line, a comma, or a closing bracket.</summary>
    private void EndEntry(string next)
    {
        var line = _line;
        SkipBlank();
        if (Current == ',')
        {
            Advance();
            SkipBlank();
            if (Current == ',')
            {
                throw Wrong("two commas in a row", $"expected {next}");
            }

            return;
        }

        if (!AtEnd && Current is not ('}' or ']') && line == _line)
        {
            throw Wrong($"'{Current}' does not belong here", "expected a comma or the end of the line");
        }
    }

    private void ParseEntry(HoconObject into)
    {
        var at = Here;
        if (TryParseInclude(into))
        {
            return;
        }

        var path = ParsePath("a key");
        SkipSpaces();
        HoconNode value;
        if (Current == '{')
        {
            value = ParseValue();
        }
        else if (Current is '=' or ':')
        {
            Advance();
            SkipSpacesAndLines();
            value = ParseValue();
        }
        else if (Current == '+' && Peek(1) == '=')
        {
            throw Wrong("'+=' is not supported", "write the whole array");
        }
        else
        {
            throw Wrong($"nothing is set after the key '{string.Join('.', path)}'", "expected '=', ':' or '{'");
        }

        ImmutableArray<Place> setAt = [at];
        for (var i = path.Length - 1; i > 0; i--)
        {
            var wrapper = new HoconObject(at);
            wrapper.Set(path[i], value, setAt);
            value = wrapper;
        }

        into.Set(path[0], value, setAt);
    }

    private bool TryParseInclude(HoconObject into)
    {
        const string Keyword = "include";
        if (string.CompareOrdinal(_text, _position, Keyword, 0, Keyword.Length) != 0)
        {
            return false;
        }

        var after = _position + Keyword.Length;
        while (after < _text.Length && _text[after] is ' ' or '\t')
        {
            after++;
        }

        var next = after < _text.Length ? _text[after] : '\0';
        if (next is '=' or ':' or '{' or '.' || (after == _position + Keyword.Length && next != '"'))
        {
            return false;
        }

        if (next != '"')
        {
            throw Wrong("this form of include is not supported", "expected include \"FILE\"");
        }

        var at = Here;
        _position = after;
        var included = _include(ParseQuoted(), at);
        if (included is not null)
        {
            into.Merge(included);
        }

        return true;
    }

    /// <summary>A key, or what <c>${}</c> names: words and quoted strings with dots between them.</summary>
    private ImmutableArray<string> ParsePath(string what)
    {
        var path = ImmutableArray.CreateBuilder<string>();
        while (true)
        {
            var word = new StringBuilder();
            var start = _position;
            while (!AtEnd && Current != '.')
            {
                if (Current == '"')
                {
                    word.Append(ParseQuoted());
                }
                else if (IsBare() && !char.IsWhiteSpace(Current))
                {
                    word.Append(Current);
                    Advance();
                }
                else
                {
                    break;
                }
            }

            if (start == _position)
            {
                throw Wrong(AtEnd ? "the file ends early" : $"{Shown(Current)} does not belong here", $"expected {what}");
            }

            path.Add(word.ToString());
            if (path.Count > MaxDepth)
            {
                throw Wrong($"a key of more than {MaxDepth} parts", "expected fewer dots");
            }

            if (Current != '.')
            {
                return path.ToImmutable();
            }

            Advance();
        }
    }

    /// <summary>A value: everything up to the end of the line, a comma or a closing bracket.</summary>
    private HoconNode ParseValue()
    {
        var at = Here;
        var parts = ImmutableArray.CreateBuilder<HoconNode>();
        while (true)
        {
            var spaces = SkipSpaces();
            if (EndsValue())
            {
                break;
            }

            if (parts.Count > 0 && spaces.Length > 0)
            {
                parts.Add(new HoconText(Here, spaces, quoted: false));
            }

            parts.Add(ParsePart());
        }

        return parts.Count switch
        {
            0 => throw new HoconSyntaxException(at, "a value is missing", "write \"\" for an empty one"),
            1 => parts[0],
            _ => new HoconConcatenation(at, parts.ToImmutable()),
        };
    }

    private bool EndsValue() => AtEnd || Current is ',' or '}' or ']' or '\n' or '\r' || IsComment();

    private HoconNode ParsePart()
    {
        var at = Here;
        if (Current == '{')
        {
            return ParseObject();
        }

        if (Current == '[')
        {
            return ParseArray();
        }

        if (Current == '"')
        {
            return new HoconText(at, ParseQuoted(), quoted: true);
        }

        if (Current == '$' && Peek(1) == '{')
        {
            return ParseReference();
        }

        var start = _position;
        while (IsBare() && !char.IsWhiteSpace(Current))
        {
            Advance();
        }

        return start < _position
            ? new HoconText(at, _text[start.._position], quoted: false)
            : throw Wrong($"{Shown(Current)} must be in quotes", "put the whole value in double quotes");
    }

    private HoconArray ParseArray()
    {
        var opened = Here;
        var items = ImmutableArray.CreateBuilder<HoconNode>();
        Enter();
        Advance();
        SkipBlank();
        while (!AtEnd && Current is not (']' or '}'))
        {
            items.Add(ParseValue());
            EndEntry("a value");
        }

        if (AtEnd)
        {
            throw new HoconSyntaxException(opened, "this '[' is never closed", "expected a ']'");
        }

        if (Current != ']')
        {
            throw Wrong($"'{Current}' does not belong here", $"expected a ']' for the '[' of line {opened.Line}");
        }

        Advance();
        _depth--;
        return new HoconArray(opened, items.ToImmutable());
    }

    private HoconReference ParseReference()
    {
        var at = Here;
        _position += 2;
        var optional = Current == '?';
        if (optional)
        {
            Advance();
        }

        SkipSpaces();
        var path = ParsePath("the name of a key or environment variable");
        SkipSpaces();
        if (Current != '}')
        {
            throw new HoconSyntaxException(at, "this '${' is never closed", "expected a '}'");
        }

        Advance();
        return new HoconReference(at, path, optional);
    }

    private string ParseQuoted()
    {
        if (Peek(1) == '"' && Peek(2) == '"')
        {
            return ParseTripleQuoted();
        }

        var opened = Here;
        var result = new StringBuilder();
        Advance();
        while (Current != '"')
        {
            if (AtEnd || Current == '\n')
            {
                throw new HoconSyntaxException(opened, "this string is never closed", "expected a '\"' on the same line");
            }

            result.Append(Current == '\\' ? ParseEscape() : Current);
            Advance();
        }

        Advance();
        return result.ToString();
    }

    /// <summary>Leaves the position on the escape's last character.</summary>
    private char ParseEscape()
    {
        Advance();
        switch (Current)
        {
            case '"' or '\\' or '/':
                return Current;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u' when _position + 4 < _text.Length
                && ushort.TryParse(
                    _text.AsSpan(_position + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code):
                _position += 4;
                return (char)code;
            default:
                throw Wrong(
                    $"'\\' before {Shown(Current)} means nothing", "expected one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
        }
    }

    private string ParseTripleQuoted()
    {
        var opened = Here;
        _position += 3;
        var end = _text.IndexOf("\"\"\"", _position, StringComparison.Ordinal);
        if (end < 0)
        {
            throw new HoconSyntaxException(opened, "this string is never closed", "expected '\"\"\"'");
        }

        // Quotes right before the closing three belong to the string.
        while (end + 3 < _text.Length && _text[end + 3] == '"')
        {
            end++;
        }

        var result = _text[_position..end];
        _line += result.Count(c => c == '\n');
        _position = end + 3;
        return result;
    }

    private bool IsBare() => !AtEnd && !MustBeQuoted.Contains(Current) && !char.IsControl(Current) && !IsComment();

    private bool IsComment() => Current == '#' || (Current == '/' && Peek(1) == '/');

    private char Peek(int ahead) => _position + ahead < _text.Length ? _text[_position + ahead] : '\0';

    private void Advance()
    {
        if (Current == '\n')
        {
            _line++;
        }

        _position++;
    }

    private string SkipSpaces()
    {
        var start = _position;
        while (!AtEnd && Current != '\n' && char.IsWhiteSpace(Current))
        {
            Advance();
        }

        return _text[start..Math.Min(_position, _text.Length)];
    }

    private void SkipSpacesAndLines()
    {
        while (!AtEnd && char.IsWhiteSpace(Current))
        {
            Advance();
        }
    }

    /// <summary>White space, line ends and comments.</summary>
    private void SkipBlank()
    {
        while (true)
        {
            SkipSpacesAndLines();
            if (!IsComment())
            {
                return;
            }

            while (!AtEnd && Current != '\n')
            {
                _position++;
            }
        }
    }

    private void Enter()
    {
        if (++_depth > MaxDepth)
        {
            throw Wrong($"more than {MaxDepth} brackets inside one another", "expected a flatter structure");
        }
    }

    private static string Shown(char c) => c == '\0' ? "the end of the file" : $"'{c}'";

    private HoconSyntaxException Wrong(string problem, string expected) => new(Here, problem, expected);
}
