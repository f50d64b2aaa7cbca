using System.CommandLine;

namespace ClusterFs.Cli.Manual;

/// <summary><c>clusterfs manual</c>: prints the man page, for packages. Nobody types it.</summary>
internal static class ManualCommand
{
    public static Command Create()
    {
        var command = new Command("manual", "Print the man page: roff, from what --help says.") { Hidden = true };
        command.SetAction(parsed => parsed.InvocationConfiguration.Output.Write(ManPage.Of((RootCommand)parsed.RootCommandResult.Command)));
        return command;
    }
}
