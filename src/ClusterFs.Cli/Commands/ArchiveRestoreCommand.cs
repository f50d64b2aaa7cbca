using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Restore;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive restore</c>: into a directory of the user's, never over live content.</summary>
public static class ArchiveRestoreCommand
{
    public static Command Create()
    {
        var service = CommandArguments.Service();
        var to = new Option<string>("--to")
        {
            Description = "A directory that is empty or does not exist yet.",
            HelpName = "DIR",
            Required = true,
        };
        var sequence = new Option<long?>("--sequence")
        {
            Description = "Which dump, as 'archive list' numbers them. Default: the newest",
            HelpName = "N",
        };
        var command = new Command("restore", "Write a dump's files into a directory. The live content is not touched.")
        {
            service, to, sequence,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = settings.RequireService(parsed.GetRequiredValue(service)).Name;
            var archive = new ServiceArchive(settings.Shared.Path, name);
            var directory = Path.GetFullPath(parsed.GetRequiredValue(to));
            var terminal = Terminal.Of(parsed);
            using var interruption = new Interruption(cancellation);
            var dump = await terminal.WorkAsync(
                $"Restoring {name}",
                say => Task.Run(() => Restore(archive, parsed.GetValue(sequence), directory, say, interruption.Token)))
                .ConfigureAwait(false);
            terminal.Write($"{name}: dump #{dump.Slot} of {Humane.Time(dump.At.ToUniversalTime())} is in {directory}: "
                + $"{dump.Content.Files} files, {Humane.Bytes(dump.Content.Bytes)}.");
            terminal.Write(dump.Content.Guarantee);
            return ExitCodes.Done;
        });
        return command;
    }

    private static DumpRecord Restore(
        ServiceArchive archive, long? sequence, string directory, Action<string> say, CancellationToken cancellation)
    {
        var dump = Choose(archive, sequence, cancellation);
        try
        {
            archive.RestoreTo(dump.Content, directory, new Progress(archive.Service, say), cancellation);
            return dump;
        }
        catch (Exception e) when (e is OperationCanceledException or DamagedArchiveException or SharedStorageException)
        {
            var what = e is OperationCanceledException ? "interrupted" : e.Message;
            throw new CommandException(
                ExitCodes.Failed, what, Directory.Exists(directory) ? $"what is in {directory} is incomplete: remove it" : "");
        }
    }

    private static DumpRecord Choose(ServiceArchive archive, long? sequence, CancellationToken cancellation)
    {
        var dumps = archive.List(cancellation).OfType<DumpRecord>().ToList();
        if (dumps.Count == 0)
        {
            throw new CommandException(
                ExitCodes.Failed, $"the archive of {archive.Service} holds no dump yet", "is the service running anywhere?");
        }

        return sequence is null
            ? dumps[^1]
            : dumps.Find(dump => dump.Slot == sequence)
                ?? throw new CommandException(
                    ExitCodes.Failed,
                    $"the archive of {archive.Service} has no dump #{sequence}",
                    $"see 'clusterfs archive list {archive.Service}'; the newest is #{dumps[^1].Slot}");
    }

    /// <summary>Said at once, in order: the framework's own Progress would hand it to other threads.</summary>
    private sealed class Progress(string service, Action<string> say) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => say(
            $"Restoring {service}: {value.Files} of {value.TotalFiles} files, "
            + $"{Humane.Bytes(value.Bytes)} of {Humane.Bytes(value.TotalBytes)}");
    }
}
