using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using ClusterFs.Configuration;

namespace ClusterFs.Content.Seeded;

/// <summary>
/// A text with names in it: <c>%NAME%</c> stands for a value, <c>%%</c> for a percent sign; any other percent sign is a mistake. Everything
/// else is copied byte by byte, whatever its encoding. Immutable.
/// </summary>
internal sealed class Template
{
    private const byte Sign = (byte)'%';

    private static readonly SearchValues<byte> NameBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."u8);

    private readonly string _file;
    private readonly ImmutableArray<Part> _parts;

    private Template(string file, ImmutableArray<Part> parts)
    {
        _file = file;
        _parts = parts;
    }

    /// <param name="Name">What stands there; null where it is text.</param>
    private readonly record struct Part(ReadOnlyMemory<byte> Text, string? Name, int Line);

    /// <param name="text">Must not change any more.</param>
    /// <param name="file">As messages call it.</param>
    /// <exception cref="SeedException">A percent sign begins no name.</exception>
    public static Template Parse(ReadOnlyMemory<byte> text, string file)
    {
        var parts = ImmutableArray.CreateBuilder<Part>();
        var line = 1;
        while (!text.IsEmpty)
        {
            var sign = text.Span.IndexOf(Sign);
            var before = sign < 0 ? text : text[..sign];
            parts.Add(new Part(before, null, line));
            line += before.Span.Count((byte)'\n');
            if (sign < 0)
            {
                break;
            }

            text = text[(sign + 1)..];
            var length = text.Span.IndexOfAnyExcept(NameBytes);
            if (length < 0 || text.Span[length] != Sign)
            {
                throw new SeedException($"{file}:{line}: a percent sign begins no name; write %NAME% for a value, and %% for a percent sign");
            }

            parts.Add(length == 0
                ? new Part(text[..1], null, line)
                : new Part(ReadOnlyMemory<byte>.Empty, Encoding.ASCII.GetString(text.Span[..length]), line));
            text = text[(length + 1)..];
        }

        return new Template(file, parts.ToImmutable());
    }

    /// <summary>The names that stand in it.</summary>
    public ImmutableSortedSet<string> Names => _parts.Where(part => part.Name is not null).Select(part => part.Name!).ToImmutableSortedSet(StringComparer.Ordinal);

    /// <exception cref="SeedException">A name has no value.</exception>
    public byte[] Render(IReadOnlyDictionary<string, string> values)
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var part in _parts)
        {
            if (part.Name is null)
            {
                output.Write(part.Text.Span);
            }
            else if (values.TryGetValue(part.Name, out var value))
            {
                output.Write(Encoding.UTF8.GetBytes(value));
            }
            else
            {
                throw Unknown(part, values);
            }
        }

        return output.WrittenSpan.ToArray();
    }

    private SeedException Unknown(Part part, IReadOnlyDictionary<string, string> values)
    {
        var others = _parts.Where(other => other.Name is not null && !values.ContainsKey(other.Name)).DistinctBy(other => other.Name).Count() - 1;
        var more = others > 0 ? $"; {others} more names are unknown" : "";
        return new SeedException(
            $"{_file}:{part.Line}: there is no value for %{part.Name}%; {Suggestion.For(part.Name!, values.Keys)}"
            + $"known are {string.Join(", ", values.Keys.Order(StringComparer.Ordinal))}{more}");
    }
}
