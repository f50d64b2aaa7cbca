using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive dump --store</c>: for content that no cluster looks after.</summary>
public static class ArchiveDumpCommand
{
    public static Command Create()
    {
        var place = new ArchivePlace();
        place.Store.Required = true;
        var path = new Argument<string>("PATH") { Description = "The directory whose content is dumped; a service may be writing it." };
        var init = new Option<bool>("--init")
        {
            Description = "Make the store if it is none yet. Without it, a store that is not mounted is an error, not an empty one.",
        };
        var command = new Command("dump", "Dump a directory that no cluster looks after. A service of a cluster: 'clusterfs dump'.")
        {
            place.Service, path, place.Store, place.KeyFile, init,
        };
        var capture = new CaptureOptions();
        capture.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var live = Path.GetFullPath(parsed.GetRequiredValue(path));
            if (!Directory.Exists(live))
            {
                throw new CommandException(ExitCodes.Failed, $"{live} is not a directory", "name the directory to dump");
            }

            if (parsed.GetValue(init))
            {
                ServiceArchive.Initialize(Path.GetFullPath(parsed.GetRequiredValue(place.Store)));
            }

            var terminal = Terminal.Of(parsed);
            using var interruption = new Interruption(cancellation);
            var (result, resumeProblem) = await terminal.WorkAsync(
                $"Dumping {live}", _ => Task.Run(() => Dump(archive, live, capture.Read(parsed), interruption.Token))).ConfigureAwait(false);
            if (resumeProblem is not null)
            {
                await parsed.InvocationConfiguration.Error.WriteLineAsync($"warning: {resumeProblem}").ConfigureAwait(false);
            }

            switch (result)
            {
                case DumpResult.Committed dump:
                    terminal.Write($"{archive.Service}: dump #{dump.Record.Slot}: {dump.Record.Content.Files} files, "
                        + $"{Humane.Bytes(dump.Record.Content.Bytes)}, {Humane.Bytes(dump.StoredBytes)} added to the archive.");
                    terminal.Write(dump.Guarantee);
                    return ExitCodes.Done;
                case DumpResult.Unchanged unchanged:
                    terminal.Write($"{archive.Service}: nothing has changed since dump #{unchanged.Last.Slot}.");
                    return ExitCodes.Done;
                default:
                    throw new CommandException(
                        ExitCodes.Refused,
                        $"{((DumpResult.Superseded)result).By.Event} after {live} was opened: it is not what {archive.Service} goes on from",
                        "dump under another service's name, or restore the newest dump over it");
            }
        });
        return command;
    }

    private static (DumpResult Result, string? ResumeProblem) Dump(
        ServiceArchive archive, string live, CaptureSettings capture, CancellationToken cancellation)
    {
        using var content = LocalContent.Open(archive, live, StandaloneNode.Name, capture);
        content.PutInOrder(cancellation);
        var epoch = content.Epoch ?? Begin(archive, content, live, cancellation);
        var result = content.Dump(epoch, cancellation);
        if (result is DumpResult.Committed committed)
        {
            archive.Compact(committed.Record.Slot, cancellation);
        }

        return (result, content.ResumeProblem);
    }

    /// <summary>The first dump of a directory begins an archive; it never goes on with one that was made from another place.</summary>
    private static long Begin(ServiceArchive archive, LocalContent content, string live, CancellationToken cancellation)
    {
        var records = Directory.Exists(archive.Root) ? archive.List(cancellation) : [];
        if (records.OfType<DumpRecord>().LastOrDefault() is { } other)
        {
            throw new CommandException(
                ExitCodes.Refused,
                $"{archive.Service} has dumps from {other.Node}, and {live} is not what they were made from",
                "choose another service's name for it, or another store");
        }

        var epoch = records.Count == 0 ? 1 : records[^1].Epoch + 1;
        return content.TakeOver(epoch, null, cancellation) is TakeOverResult.Ready { Basis: ContentBasis.Adopted or ContentBasis.Empty }
            ? epoch
            : throw new CommandException(ExitCodes.Refused, $"another process took over {archive.Service} at this moment", "try again");
    }
}
