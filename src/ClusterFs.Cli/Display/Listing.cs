using System.Text;
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
    public string ToText()
    {
        List<string[]> lines = [headings, .. _rows.Select(row => row.Select(cell => cell.Length == 0 ? "-" : cell).ToArray())];
        var widths = headings.Select((_, column) => lines.Max(line => line[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var line in lines)
        {
            var padded = line.Select((cell, column) => column == line.Length - 1 ? cell : cell.PadRight(widths[column]));
            text.AppendJoin("  ", padded).Append('\n');
        }

        return text.ToString();
    }
}
