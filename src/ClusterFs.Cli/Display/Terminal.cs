using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;

namespace ClusterFs.Cli.Display;

/// <summary>Where a command's answers and progress go: a terminal gets tables and a spinner, a pipe plain text and silence.</summary>
internal sealed class Terminal
{
    private readonly IAnsiConsole? _output;
    private readonly IAnsiConsole? _error;
    private readonly TextWriter _plain;
    private readonly TextWriter _plainError;

    private Terminal(TextWriter output, TextWriter error)
    {
        _plain = output;
        _plainError = error;
        _output = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected ? ConsoleFor(output) : null;
        _error = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected ? ConsoleFor(error) : null;
    }

    /// <summary>The terminal that results are shown on; null for a pipe or file.</summary>
    public IAnsiConsole? Screen => _output;

    public static Terminal Of(ParseResult parsed) => new(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);

    public void Write(string line) => _plain.WriteLine(line);

    /// <summary>For the person at the terminal: no part of the answer.</summary>
    public void Say(string line) => _plainError.WriteLine(line);

    public void Write(Listing listing)
    {
        if (_output is null)
        {
            _plain.Write(listing.ToText());
        }
        else
        {
            _output.Write(listing.ToTable());
        }
    }

    /// <summary>One JSON document on lines of its own.</summary>
    public void WriteJson<T>(T value, JsonTypeInfo<T> type) => _plain.WriteLine(JsonSerializer.Serialize(value, type));

    /// <summary>Does long work, with a spinner where somebody may be looking.</summary>
    /// <param name="doing">What is shown at first.</param>
    /// <param name="work">Gets what it may call, from one thread at a time, to show something else.</param>
    public Task<T> WorkAsync<T>(string doing, Func<Action<string>, Task<T>> work) => _error is null
        ? work(_ => { })
        : _error.Status().StartAsync(Markup.Escape(doing), context => work(said => context.Status = Markup.Escape(said)));

    private static IAnsiConsole ConsoleFor(TextWriter writer) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
}
