using System.Collections.Immutable;
using System.CommandLine;
using ClusterFs.Cli.Display;
using ClusterFs.Content.Static;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs static list</c>.</summary>
public static class StaticListCommand
{
    public static Command Create()
    {
        var target = new StaticTarget();
        var command = new Command("list", "The generations that can be rolled back to, oldest first. Needs no daemon.") { target.Name };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var (service, content) = target.Read(parsed, settings);
            var terminal = Terminal.Of(parsed);
            var (generations, switched) = await terminal.WorkAsync(
                "Reading the generations", _ => Task.Run(() => StaticTarget.Open(settings, service, content).List(cancellation), cancellation)).ConfigureAwait(false);
            ImmutableArray<ListedGeneration> listed = [.. generations.Select(one => ToListed(one, generations))];
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(new StaticListing(service.Name, content.Name, switched, listed), StaticJson.Default.StaticListing);
            }
            else
            {
                terminal.Write(ToListing(listed, switched));
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static ListedGeneration ToListed(Generation one, IReadOnlyList<Generation> all) => new(
        one.Number,
        one.At.ToUniversalTime(),
        one.Node,
        one.Content.Files,
        one.Content.Bytes,
        one.Content.StoredBytes,
        all.FirstOrDefault(other => other.Files == one.Files && other.Number < one.Number)?.Number);

    private static Listing ToListing(ImmutableArray<ListedGeneration> generations, long switched)
    {
        var listing = new Listing("GENERATION", "PUBLISHED", "ON", "FILES", "SIZE", "ADDED", "NOTE");
        foreach (var one in generations)
        {
            var notes = new List<string>();
            if (one.Generation == switched)
            {
                notes.Add("served");
            }

            if (one.Repeats is { } repeated)
            {
                notes.Add($"repeats {repeated}");
            }

            listing.Add(
                Humane.Number(one.Generation),
                Humane.Time(one.At),
                one.Node,
                Humane.Number(one.Files),
                Humane.Bytes(one.Bytes),
                Humane.Bytes(one.StoredBytes),
                string.Join(", ", notes));
        }

        return listing;
    }
}
