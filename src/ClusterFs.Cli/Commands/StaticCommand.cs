using System.CommandLine;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs static</c>.</summary>
public static class StaticCommand
{
    public static Command Create() =>
        new("static", "Content that is published in generations, to which all nodes of its service switch together.")
        {
            StaticPublishCommand.Create(),
            StaticListCommand.Create(),
            StaticRollbackCommand.Create(),
        };
}
