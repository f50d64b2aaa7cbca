using System.Text;
using ClusterFs.Configuration;
using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Config;

/// <summary>
/// The lines in a program's own configuration that include a config file, between two comments. Everything outside of them stays as it is, byte by
/// byte, and taking them away gives back what was there before. Pure.
/// </summary>
/// <param name="name">Which block: service and name.</param>
internal sealed class MarkedBlock(ConfigSettings settings, string name, string path)
{
    private const string Begin = "BEGIN clusterfs";
    private const string End = "END clusterfs";
    private const string Hint = "(kept by ClusterFs; edit the source on shared storage instead)";

    /// <summary>Where the block is in a text.</summary>
    private readonly record struct Place(int Start, int Length);

    /// <summary>What a file should be.</summary>
    /// <param name="file">The file as it is.</param>
    /// <returns>The same bytes when the block is there as it should be.</returns>
    /// <exception cref="ConfigException">A block is damaged, or has no place.</exception>
    public byte[] PutInto(byte[] file)
    {
        // One character for one byte, whatever the file is written in.
        var text = Encoding.Latin1.GetString(file);
        var newLine = text.IndexOf('\n', StringComparison.Ordinal) is > 0 and var at && text[at - 1] == '\r' ? "\r\n" : "\n";
        if (Find(text) is { } place)
        {
            var its = Written(newLine);

            // The end of the last line is the file's own.
            var there = text.Substring(place.Start, place.Length);
            return there == its ? file : Encoding.Latin1.GetBytes(text[..place.Start] + its + text[(place.Start + place.Length)..]);
        }

        if (settings.After is null)
        {
            // Where the last line had no end, the block has none either: so it can be told when the block is taken away.
            return Encoding.Latin1.GetBytes(text.Length == 0 || text.EndsWith('\n') ? text + Written(newLine) + newLine : text + newLine + Written(newLine));
        }

        var after = EndOfLine(text, Bytes(settings.After));
        return Encoding.Latin1.GetBytes(text[after - 1] == '\n'
            ? text[..after] + Written(newLine) + newLine + text[after..]
            : text + newLine + Written(newLine));
    }

    /// <summary>The file without the block.</summary>
    /// <exception cref="ConfigException">The block is damaged.</exception>
    public byte[] TakeFrom(byte[] file)
    {
        var text = Encoding.Latin1.GetString(file);
        if (Find(text) is not { } place)
        {
            return file;
        }

        var (start, end) = (place.Start, place.Start + place.Length);
        if (end == text.Length && start > 0)
        {
            // It had no end of line, so what was before it had none.
            start -= start > 1 && text[start - 2] == '\r' ? 2 : 1;
        }
        else if (end < text.Length)
        {
            end += text[end] == '\r' ? 2 : 1;
        }

        return Encoding.Latin1.GetBytes(text[..start] + text[end..]);
    }

    /// <summary>How the block in a file differs from what it should be, in words; null when it does not.</summary>
    public string? DriftIn(byte[] file)
    {
        try
        {
            var text = Encoding.Latin1.GetString(file);
            if (Find(text) is not { } place)
            {
                return "the block that includes it is missing";
            }

            var there = text.Substring(place.Start, place.Length);
            return there == Written("\n") || there == Written("\r\n") ? null : "the block that includes it was edited";
        }
        catch (ConfigException damaged)
        {
            return damaged.Message;
        }
    }

    /// <summary>Whether there is a block with something else in it than should be.</summary>
    public bool IsEditedIn(byte[] file)
    {
        var text = Encoding.Latin1.GetString(file);
        return Find(text) is { } place && text.Substring(place.Start, place.Length) is var there && there != Written("\n") && there != Written("\r\n");
    }

    private string Written(string newLine) => Bytes(string.Join(
        newLine, Comment($"{Begin} {name} {Hint}"), settings.Include.Replace(ConfigSettings.PathPlace, path, StringComparison.Ordinal), Comment($"{End} {name}")));

    private string Comment(string text) => settings.Comment.Contains(ConfigSettings.TextPlace, StringComparison.Ordinal)
        ? settings.Comment.Replace(ConfigSettings.TextPlace, text, StringComparison.Ordinal)
        : $"{settings.Comment} {text}";

    private static string Bytes(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>From the first character of its first line to the last of its last one, without that line's end.</summary>
    private Place? Find(string text)
    {
        var (begins, ends) = (LinesWith(text, $"{Begin} {name}"), LinesWith(text, $"{End} {name}"));
        if (begins.Count == 0 && ends.Count == 0)
        {
            return null;
        }

        if (begins.Count != 1 || ends.Count != 1 || begins[0].Start >= ends[0].Start)
        {
            throw new ConfigException(
                $"{settings.Target}: the block of {name} is damaged: it has {begins.Count} lines '{Begin} {name}' and {ends.Count} lines '{End} {name}', "
                + "which should be one each, in this order; mend it, or take all of them away");
        }

        return new Place(begins[0].Start, ends[0].End - begins[0].Start);
    }

    private static List<(int Start, int End)> LinesWith(string text, string mark)
    {
        var found = new List<(int, int)>();
        for (var at = text.IndexOf(mark, StringComparison.Ordinal); at >= 0; at = text.IndexOf(mark, at + 1, StringComparison.Ordinal))
        {
            var next = at + mark.Length;
            if (next < text.Length && !char.IsWhiteSpace(text[next]) && (char.IsAsciiLetterOrDigit(text[next]) || text[next] is '-' or '/'))
            {
                // Another one, whose name only begins like this.
                continue;
            }

            var start = at == 0 ? 0 : text.LastIndexOf('\n', at - 1) + 1;
            var end = text.IndexOf('\n', at);
            end = end < 0 ? text.Length : text[end - 1] == '\r' ? end - 1 : end;
            found.Add((start, end));
        }

        return found;
    }

    private int EndOfLine(string text, string line)
    {
        var found = new List<int>();
        for (var start = 0; start < text.Length;)
        {
            var end = text.IndexOf('\n', start);
            end = end < 0 ? text.Length : end + 1;
            if (text.AsSpan(start, end - start).Trim().SequenceEqual(line))
            {
                found.Add(end);
            }

            start = end;
        }

        return found.Count == 1
            ? found[0]
            : throw new ConfigException(
                $"{settings.Target}: has {(found.Count == 0 ? "no line" : $"{found.Count} lines")} '{settings.After}', after which the block of {name} is to be; "
                + "expected one: change 'after', or that file");
    }
}
