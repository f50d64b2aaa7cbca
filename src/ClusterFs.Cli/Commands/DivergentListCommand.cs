using System.Collections.Immutable;
using System.CommandLine;
using ClusterFs.Archive.Log;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs divergent list</c>.</summary>
public static class DivergentListCommand
{
    public static Command Create()
    {
        var place = new DivergentPlace();
        var command = new Command("list", "The contents that were kept, oldest first.") { place.Service, place.Store };
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var name = archive.Service;
            var terminal = Terminal.Of(parsed);
            var records = await terminal.WorkAsync(
                $"Reading the archive of {name}",
                _ => Task.Run(() => archive.ListDivergent(cancellation), cancellation)).ConfigureAwait(false);
            ImmutableArray<ListedDivergent> kept = [.. records.Select(ToListed)];
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(new DivergentListing(name, kept), ArchiveJson.Default.DivergentListing);
            }
            else
            {
                terminal.Write(ToListing(kept));
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static Listing ToListing(ImmutableArray<ListedDivergent> kept)
    {
        var listing = new Listing("ID", "TIME", "EPOCH", "NODE", "AFTER", "FILES", "SIZE", "WHY");
        foreach (var record in kept)
        {
            listing.Add(
                record.Id,
                Humane.Time(record.At),
                Humane.Number(record.Epoch),
                record.Node,
                record.BaseSequence is { } slot ? $"#{slot}" : "",
                Humane.Number(record.Files),
                Humane.Bytes(record.Bytes),
                record.Reason);
        }

        return listing;
    }

    internal static ListedDivergent ToListed(DivergentRecord record) => new(
        record.Id,
        record.Epoch,
        record.Node,
        record.At.ToUniversalTime(),
        record.BaseSlot,
        record.Content.Files,
        record.Content.Bytes,
        record.Reason,
        record.Content.Guarantee);
}
