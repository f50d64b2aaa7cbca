using System.CommandLine;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs seeded</c>.</summary>
public static class SeededCommand
{
    public static Command Create() =>
        new("seeded", "Files that each node renders from a template on shared storage. The daemon renders them by itself when the template changes.")
        {
            SeededDiffCommand.Create(),
            SeededRenderCommand.Create(),
        };
}
