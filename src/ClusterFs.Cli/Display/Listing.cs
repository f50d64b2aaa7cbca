using Spectre.Console;

namespace ClusterFs.Cli.Display;

/// <summary>Rows under headings, to be shown on a terminal or read by a script.</summary>
internal sealed class Listing(params string[] headings)
{
    private readonly List<string[]> _rows = [];

    public void Add(params string[] row) => _rows.Add(row);

    public Table ToTable()
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var heading in headings)
        {
            var title = new Text(heading, new Style(decoration: Decoration.Bold));
            table.AddColumn(new TableColumn(title) { NoWrap = heading != headings[^1] });
        }

        foreach (var row in _rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        return table;
    }

    /// <summary>Columns at fixed places, two spaces apart, no decoration; an empty cell is a hyphen, so that no column is lost.</summary>
    public string ToText() => string.Concat(Lay([.. Enumerable.Range(0, headings.Length)]).Select(line => line + "\n"));

    /// <summary>The same for a screen: without as many of the columns named as it takes, and cut off where even that is not enough.</summary>
    /// <param name="dispensable">Headings, what can be done without first.</param>
    /// <returns>The headings, and a line for each row.</returns>
    public IReadOnlyList<string> ToLines(int width, params ReadOnlySpan<string> dispensable)
    {
        var columns = Enumerable.Range(0, headings.Length).ToList();
        var lines = Lay(columns);
        foreach (var heading in dispensable)
        {
            if (lines.Max(line => line.Length) <= width)
            {
                break;
            }

            columns.Remove(Array.IndexOf(headings, heading));
            lines = Lay(columns);
        }

        return [.. lines.Select(line => line.Length <= width ? line : line[..width])];
    }

    private List<string> Lay(IReadOnlyList<int> columns)
    {
        List<string[]> cells = [headings, .. _rows.Select(row => row.Select(cell => cell.Length == 0 ? "-" : cell).ToArray())];
        var widths = headings.Select((_, column) => cells.Max(line => line[column].Length)).ToArray();
        return [.. cells.Select(line => string.Join("  ", columns.Select(column => column == columns[^1] ? line[column] : line[column].PadRight(widths[column]))))];
    }
}
