using System.CommandLine;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs config</c>.</summary>
public static class ConfigCommand
{
    public static Command Create() =>
        new("config", "Configuration on shared storage that each node uses a checked copy of. The daemons roll changes out by themselves, one node after the other.")
        {
            ConfigStatusCommand.Create(),
            ConfigApplyCommand.Create(),
        };
}
