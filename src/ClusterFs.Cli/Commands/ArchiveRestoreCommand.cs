using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Restore;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive restore</c>: into a directory of the user's, or with --over in the place of what is there.</summary>
public static class ArchiveRestoreCommand
{
    public static Command Create()
    {
        var place = new ArchivePlace();
        var to = new Option<string>("--to")
        {
            Description = "A directory that is empty or does not exist yet.",
            HelpName = "DIR",
            Required = true,
        };
        var over = new Option<bool>("--over")
        {
            Description = "Replace what DIR holds, fetching only what differs. Nothing may use DIR meanwhile. Cut short, it leaves the old content or the new one whole, which may be away until it is run again.",
        };
        var command = new Command("restore", "Write a dump's files into a directory. Live content of a running service is not touched.")
        {
            place.Service, place.Store, place.KeyFile, to, over, place.Sequence, place.At,
        };
        place.RequireOneChoice(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var name = archive.Service;
            var directory = Path.GetFullPath(parsed.GetRequiredValue(to));
            var terminal = Terminal.Of(parsed);
            using var interruption = new Interruption(cancellation);
            var (dump, kept) = await terminal.WorkAsync(
                $"Restoring {name}",
                say => Task.Run(() =>
                {
                    var chosen = place.Choose(parsed, archive, interruption.Token);
                    var progress = new Progress(name, say);
                    return parsed.GetValue(over)
                        ? (chosen, RestoreOver(archive, chosen, directory, progress, interruption.Token))
                        : (Restore(archive, chosen, directory, progress, interruption.Token), null);
                })).ConfigureAwait(false);
            terminal.Write($"{name}: dump #{dump.Slot} of {Humane.Time(dump.At.ToUniversalTime())} is in {directory}: "
                + $"{dump.Content.Files} files, {Humane.Bytes(dump.Content.Bytes)}.");
            terminal.Write(dump.Content.Guarantee);
            if (kept is not null)
            {
                terminal.Write($"What {directory} held beyond the line is kept as {kept.Id}.");
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static DumpRecord Restore(
        ServiceArchive archive, DumpRecord dump, string directory, Progress progress, CancellationToken cancellation)
    {
        try
        {
            archive.RestoreTo(dump.Content, directory, progress, cancellation);
            return dump;
        }
        catch (Exception e) when (e is OperationCanceledException or DamagedArchiveException or SharedStorageException)
        {
            var what = e is OperationCanceledException ? "interrupted" : e.Message;
            throw new CommandException(
                ExitCodes.Failed, what, Directory.Exists(directory) ? $"what is in {directory} is incomplete: remove it" : "");
        }
    }

    private static DivergentRecord? RestoreOver(
        ServiceArchive archive, DumpRecord dump, string directory, Progress progress, CancellationToken cancellation)
    {
        using var content = LocalContent.Open(archive, directory, StandaloneNode.Name, CaptureMode.Auto);
        return content.RestoreOver(dump, progress, cancellation);
    }

    /// <summary>Said at once, in order: the framework's own Progress would hand it to other threads.</summary>
    private sealed class Progress(string service, Action<string> say) : IProgress<RestoreProgress>
    {
        public void Report(RestoreProgress value) => say(
            $"Restoring {service}: {value.Files} of {value.TotalFiles} files, "
            + $"{Humane.Bytes(value.Bytes)} of {Humane.Bytes(value.TotalBytes)}");
    }
}
