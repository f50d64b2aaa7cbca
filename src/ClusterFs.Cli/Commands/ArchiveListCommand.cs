using System.Collections.Immutable;
using System.CommandLine;
using ClusterFs.Archive.Log;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive list</c>.</summary>
public static class ArchiveListCommand
{
    public static Command Create()
    {
        var place = new ArchivePlace();
        var command = new Command("list", "The dumps that can be restored, oldest first.") { place.Service, place.Store };
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var name = archive.Service;
            var terminal = Terminal.Of(parsed);
            var records = await terminal.WorkAsync(
                $"Reading the archive of {name}", _ => Task.Run(() => archive.List(cancellation), cancellation)).ConfigureAwait(false);
            ImmutableArray<ListedDump> dumps = [.. records.OfType<DumpRecord>().Select(ToListed)];
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(new ArchiveListing(name, dumps), ArchiveJson.Default.ArchiveListing);
            }
            else
            {
                terminal.Write(ToListing(dumps));
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static Listing ToListing(ImmutableArray<ListedDump> dumps)
    {
        var listing = new Listing("SEQUENCE", "TIME", "EPOCH", "NODE", "FILES", "SIZE", "ADDED", "GUARANTEE");
        foreach (var dump in dumps)
        {
            listing.Add(
                Humane.Number(dump.Sequence),
                Humane.Time(dump.At),
                Humane.Number(dump.Epoch),
                dump.Node,
                Humane.Number(dump.Files),
                Humane.Bytes(dump.Bytes),
                Humane.Bytes(dump.StoredBytes),
                dump.Adopted is { } id ? $"adopted, was {id}: {dump.Guarantee}" : dump.Guarantee);
        }

        return listing;
    }

    internal static ListedDump ToListed(DumpRecord dump) => new(
        dump.Slot,
        dump.Epoch,
        dump.Node,
        dump.At.ToUniversalTime(),
        dump.Content.Files,
        dump.Content.Bytes,
        dump.Content.StoredBytes,
        dump.Content.Guarantee,
        dump.Adopts);
}
