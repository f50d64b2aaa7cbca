namespace ClusterFs.Cli.Display;

/// <summary>How a line of the screen stands out.</summary>
internal enum Emphasis
{
    None,
    Strong,
    Faint,

    /// <summary>Somebody should look.</summary>
    Alarm,
}

internal readonly record struct FrameLine(string Text, Emphasis Emphasis = Emphasis.None);

/// <summary>The status as a screen full of lines, none of them longer than it is wide. Pure.</summary>
/// <param name="Scrolled">By how many lines: never further than there are.</param>
internal sealed record StatusFrame(IReadOnlyList<FrameLine> Lines, int Scrolled)
{
    /// <summary>What a narrow screen does without, first things first.</summary>
    private static readonly string[] Dispensable = ["EPOCH", "LEASE", "DIVERGENT", "LAST DUMP", "AT RISK"];

    private const string Keys = "q quits, up and down scroll";

    /// <param name="view">Null before the first answer.</param>
    /// <param name="problem">Why there is no newer one; null when there is.</param>
    /// <param name="scrolled">By how many lines somebody wants it.</param>
    public static StatusFrame Of(StatusView? view, string? problem, int width, int height, int scrolled)
    {
        var lines = new List<FrameLine>();
        if (problem is not null)
        {
            lines.AddRange(Wrap(problem, width).Select(line => new FrameLine(line, Emphasis.Alarm)));
        }

        if (view is not null)
        {
            lines.AddRange(Wrap(view.Heading, width).Select(line => new FrameLine(line, view.Heading.Contains("NO QUORUM", StringComparison.Ordinal) ? Emphasis.Alarm : Emphasis.None)));
            lines.Add(new FrameLine(""));
            var rows = view.Services.ToLines(width, Dispensable);
            lines.Add(new FrameLine(rows[0], Emphasis.Strong));
            lines.AddRange(rows.Skip(1).Select(row => new FrameLine(Humane.Printable(row))));
            lines.Add(new FrameLine(""));
            lines.AddRange(view.Notes.SelectMany(note => Wrap(note, width)).Select(line => new FrameLine(line)));
        }

        var room = Math.Max(1, height - 1);
        var first = Math.Clamp(scrolled, 0, Math.Max(0, lines.Count - room));
        var shown = lines.Skip(first).Take(room).ToList();
        shown.AddRange(Enumerable.Repeat(new FrameLine(""), room - shown.Count));
        if (height > 1)
        {
            var hidden = lines.Count - room;
            shown.Add(new FrameLine(Cut(hidden > 0 ? $"{Keys}; lines {first + 1} to {first + room} of {lines.Count}" : Keys, width), Emphasis.Faint));
        }

        return new StatusFrame(shown, first);
    }

    private static IEnumerable<string> Wrap(string words, int width)
    {
        var text = Humane.Printable(words);
        while (text.Length > width)
        {
            var at = text.LastIndexOf(' ', width);
            var end = at > width / 2 ? at : width;
            yield return text[..end];
            text = "  " + text[end..].TrimStart();
            if (width < 4)
            {
                yield break;
            }
        }

        yield return text;
    }

    private static string Cut(string text, int width) => text.Length <= width ? text : text[..width];
}
