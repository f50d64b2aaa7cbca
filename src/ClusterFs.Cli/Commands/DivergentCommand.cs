using System.CommandLine;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs divergent</c>.</summary>
public static class DivergentCommand
{
    public static Command Create() =>
        new("divergent", "What was written on a node but never reached the line, and was kept. Reads shared storage itself.")
        {
            DivergentListCommand.Create(),
            DivergentShowCommand.Create(),
            DivergentExportCommand.Create(),
            DivergentAdoptCommand.Create(),
            DivergentDiscardCommand.Create(),
        };
}
