using System.Collections;
using System.CommandLine;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs node</c>: becomes the daemon, which is a program of its own so that this one stays small.</summary>
public static class NodeCommand
{
    private const string Daemon = "clusterfsd";

    public static Command Create()
    {
        var command = new Command(
            "node", $"Run the daemon of this node in the foreground ({Daemon}, Type=notify). SIGTERM ends it in good order.")
        {
            TreatUnmatchedTokensAsErrors = false,
            Subcommands = { NodeDrainCommand.CreateDrain(), NodeDrainCommand.CreateUndrain() },
        };
        command.SetAction(parsed => Become(["--config", GlobalOptions.ConfigPath(parsed), .. parsed.UnmatchedTokens]));
        return command;
    }

    private static int Become(string[] arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, Daemon);
        if (!File.Exists(program))
        {
            throw new CommandException(ExitCodes.Failed, $"there is no {program}", "the daemon must be installed beside this command");
        }

        // .NET ignores it, and what is ignored stays so in the new program.
        Processes.RestoreDefault(Processes.SignalPipe);
        var environment = Environment.GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "", StringComparer.Ordinal);
        Processes.Execute(program, arguments, environment);
        return ExitCodes.Failed;
    }
}
