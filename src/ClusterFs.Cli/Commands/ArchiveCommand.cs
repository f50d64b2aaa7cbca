using System.CommandLine;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive</c>: what reads a service's archive on shared storage, without a daemon.</summary>
public static class ArchiveCommand
{
    public static Command Create() =>
        new("archive", "The dumps of a service. Reads shared storage itself: works without any daemon.")
        {
            ArchiveListCommand.Create(),
            ArchiveRestoreCommand.Create(),
        };
}
