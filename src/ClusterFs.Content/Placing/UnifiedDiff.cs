using System.Globalization;
using System.Text;

namespace ClusterFs.Content.Placing;

/// <summary>How two texts differ, as <c>diff -u</c> says it.</summary>
internal static class UnifiedDiff
{
    private const int Context = 3;

    /// <summary>Texts that differ in more lines are shown as one replaced by the other: the search costs its square.</summary>
    private const int MaxEdits = 1000;

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>One line of an edit script: kept (' '), taken away ('-') or added ('+').</summary>
    private readonly record struct Edit(char Kind, string Line);

    /// <returns>Empty when the texts are the same.</returns>
    public static string Of(ReadOnlySpan<byte> before, ReadOnlySpan<byte> after, string beforeName, string afterName)
    {
        if (before.SequenceEqual(after))
        {
            return "";
        }

        return LinesOf(before) is { } old && LinesOf(after) is { } now
            ? Write(Script(old, now), beforeName, afterName)
            : $"Binary files {beforeName} and {afterName} differ\n";
    }

    /// <returns>With their ends; null when it is no text.</returns>
    private static List<string>? LinesOf(ReadOnlySpan<byte> content)
    {
        try
        {
            var text = Strict.GetString(content);
            if (text.Contains('\0', StringComparison.Ordinal))
            {
                return null;
            }

            var lines = new List<string>();
            for (var start = 0; start < text.Length;)
            {
                var end = text.IndexOf('\n', start);
                lines.Add(end < 0 ? text[start..] : text[start..(end + 1)]);
                start += lines[^1].Length;
            }

            return lines;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static List<Edit> Script(List<string> before, List<string> after)
    {
        var prefix = 0;
        while (prefix < before.Count && prefix < after.Count && before[prefix] == after[prefix])
        {
            prefix++;
        }

        var suffix = 0;
        while (suffix < before.Count - prefix && suffix < after.Count - prefix && before[^(suffix + 1)] == after[^(suffix + 1)])
        {
            suffix++;
        }

        var old = before[prefix..^suffix];
        var now = after[prefix..^suffix];
        return
        [
            .. before.Take(prefix).Select(line => new Edit(' ', line)),
            .. Middle(old, now) ?? [.. old.Select(line => new Edit('-', line)), .. now.Select(line => new Edit('+', line))],
            .. before.Skip(before.Count - suffix).Select(line => new Edit(' ', line)),
        ];
    }

    /// <summary>The shortest script, by Myers' greedy search (1986); null when it is too long.</summary>
    private static List<Edit>? Middle(List<string> before, List<string> after)
    {
        var most = Math.Min(MaxEdits, before.Count + after.Count);
        var furthest = new int[(2 * most) + 3];
        var trace = new List<int[]>();
        for (var edits = 0; edits <= most; edits++)
        {
            trace.Add((int[])furthest.Clone());
            for (var diagonal = -edits; diagonal <= edits; diagonal += 2)
            {
                var at = diagonal + most + 1;
                var x = diagonal == -edits || (diagonal != edits && furthest[at - 1] < furthest[at + 1]) ? furthest[at + 1] : furthest[at - 1] + 1;
                var y = x - diagonal;
                while (x < before.Count && y < after.Count && before[x] == after[y])
                {
                    (x, y) = (x + 1, y + 1);
                }

                furthest[at] = x;
                if (x == before.Count && y == after.Count)
                {
                    return Back(before, after, trace, most);
                }
            }
        }

        return null;
    }

    private static List<Edit> Back(List<string> before, List<string> after, List<int[]> trace, int most)
    {
        var script = new List<Edit>();
        var (x, y) = (before.Count, after.Count);
        for (var edits = trace.Count - 1; edits >= 0; edits--)
        {
            var furthest = trace[edits];
            var diagonal = x - y;
            var at = diagonal + most + 1;
            var isAddition = diagonal == -edits || (diagonal != edits && furthest[at - 1] < furthest[at + 1]);
            var fromX = isAddition ? furthest[at + 1] : furthest[at - 1];
            var fromY = fromX - (isAddition ? diagonal + 1 : diagonal - 1);
            var (startX, startY) = edits == 0 ? (0, 0) : (fromX, fromY);
            while (x > startX && y > startY)
            {
                script.Add(new Edit(' ', before[--x]));
                y--;
            }

            if (edits > 0)
            {
                script.Add(isAddition ? new Edit('+', after[--y]) : new Edit('-', before[--x]));
            }
        }

        script.Reverse();
        return script;
    }

    private static string Write(List<Edit> script, string beforeName, string afterName)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"--- {beforeName}\n+++ {afterName}\n");
        var (oldLine, newLine) = (1, 1);
        for (var index = 0; index < script.Count;)
        {
            var change = script.FindIndex(index, edit => edit.Kind != ' ');
            if (change < 0)
            {
                break;
            }

            var start = Math.Max(index, change - Context);
            var skipped = start - index;
            (oldLine, newLine) = (oldLine + skipped, newLine + skipped);
            var end = EndOfHunk(script, change);
            var hunk = script[start..end];
            var (oldCount, newCount) = (hunk.Count(edit => edit.Kind != '+'), hunk.Count(edit => edit.Kind != '-'));
            text.Append(CultureInfo.InvariantCulture, $"@@ -{Range(oldLine, oldCount)} +{Range(newLine, newCount)} @@\n");
            foreach (var edit in hunk)
            {
                text.Append(edit.Kind).Append(edit.Line);
                if (!edit.Line.EndsWith('\n'))
                {
                    text.Append("\n\\ No newline at end of file\n");
                }
            }

            (oldLine, newLine, index) = (oldLine + oldCount, newLine + newCount, end);
        }

        return text.ToString();
    }

    /// <summary>Changes with few lines between them are one hunk.</summary>
    private static int EndOfHunk(List<Edit> script, int change)
    {
        while (true)
        {
            var quiet = script.FindIndex(change, edit => edit.Kind == ' ');
            if (quiet < 0)
            {
                return script.Count;
            }

            var next = script.FindIndex(quiet, edit => edit.Kind != ' ');
            if (next < 0 || next - quiet > 2 * Context)
            {
                return Math.Min(script.Count, quiet + Context);
            }

            change = next;
        }
    }

    private static string Range(int line, int count) => count == 1
        ? line.ToString(CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{(count == 0 ? line - 1 : line)},{count}");
}
