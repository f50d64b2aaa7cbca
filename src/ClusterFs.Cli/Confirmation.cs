using System.CommandLine;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli;

/// <summary>What cannot be undone has to be named a second time: typed at the terminal, or with --confirm in a script.</summary>
internal sealed class Confirmation
{
    public Option<string> Confirm { get; } = new("--confirm")
    {
        Description = "The whole ID once more, in place of being asked.",
        HelpName = "ID",
    };

    /// <param name="consequences">What is lost by it, a line each; shown before the question.</param>
    /// <exception cref="CommandException">It was not confirmed; nothing has changed.</exception>
    public void Require(ParseResult parsed, Terminal terminal, string id, IReadOnlyList<string> consequences)
    {
        const string Unchanged = "nothing has changed";
        if (parsed.GetValue(Confirm) is { } given)
        {
            if (given != id)
            {
                throw new CommandException(ExitCodes.Usage, $"--confirm names '{given}', and what was found is {id}", Unchanged);
            }

            return;
        }

        foreach (var line in consequences)
        {
            terminal.Say(line);
        }

        if (Console.IsInputRedirected)
        {
            throw new CommandException(ExitCodes.Usage, "this has to be confirmed", $"in a script, add --confirm {id}");
        }

        terminal.Say($"Type {id} to go on:");
        if (Console.ReadLine()?.Trim() != id)
        {
            throw new CommandException(ExitCodes.Failed, "not confirmed", Unchanged);
        }
    }
}
