using System.Diagnostics;
using System.Globalization;
using Spectre.Console;

namespace ClusterFs.Demo.Walkthrough;

/// <summary>What the reader sees: coloured on a terminal, plain text when piped.</summary>
internal sealed class Report
{
    private const int WidthWherePiped = 140;

    private readonly IAnsiConsole _console;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Table _summary = new Table().Border(TableBorder.Rounded).AddColumn("what").AddColumn("seen").AddColumn("allowed");
    private int _step;

    public Report(IAnsiConsole console)
    {
        _console = console;
        if (!console.Profile.Out.IsTerminal)
        {
            console.Profile.Width = WidthWherePiped;
        }
    }

    public void Step(string title)
    {
        _console.WriteLine();
        _console.Write(new Rule($"[bold]{++_step}  {Markup.Escape(title)}[/]").LeftJustified());
    }

    public void Say(FormattableString text) => _console.MarkupLine($"[grey]{Elapsed}[/] {Escaped(text)}");

    /// <summary>Says what was observed; this part of the step is proven.</summary>
    public void Observed(FormattableString text) => _console.MarkupLine($"[grey]{Elapsed}[/] [green]✓[/] {Escaped(text)}");

    /// <summary>Shows what a command said, word for word.</summary>
    public void Quote(string commandLine, string output)
    {
        _console.MarkupLine($"[grey]{Elapsed}[/] [blue]$ {Markup.Escape(commandLine)}[/]");
        foreach (var line in output.TrimEnd().Split('\n'))
        {
            _console.WriteLine($"         {line}");
        }
    }

    public void Figure(string what, string seen, string allowed) =>
        _summary.AddRow(Markup.Escape(what), $"[bold]{Markup.Escape(seen)}[/]", Markup.Escape(allowed));

    public void Summary() => _console.Write(_summary);

    public void NotObserved(string reason)
    {
        _console.WriteLine();
        _console.MarkupLine($"[grey]{Elapsed}[/] [red]✗ the demo failed[/]");
        _console.WriteLine(reason);
    }

    public static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");

    private string Elapsed => string.Create(CultureInfo.InvariantCulture, $"{_clock.Elapsed.TotalSeconds,6:0.0} s");

    private static string Escaped(FormattableString text) => Markup.Escape(text.ToString(CultureInfo.InvariantCulture));
}
