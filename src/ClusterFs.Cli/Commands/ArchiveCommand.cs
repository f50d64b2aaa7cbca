using System.CommandLine;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive</c>: what works on a service's archive without a daemon.</summary>
public static class ArchiveCommand
{
    public static Command Create() =>
        new("archive", "The dumps of a service. Works without any daemon and, with --store, without a cluster.")
        {
            ArchiveListCommand.Create(),
            ArchiveShowCommand.Create(),
            ArchiveDumpCommand.Create(),
            ArchiveRestoreCommand.Create(),
            ArchiveExportCommand.Create(),
            ArchiveVerifyCommand.Create(),
            ArchiveRehearseCommand.Create(),
            ArchivePruneCommand.Create(),
        };
}
