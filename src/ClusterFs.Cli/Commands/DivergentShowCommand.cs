using System.Collections.Immutable;
using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Log;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs divergent show</c>.</summary>
public static class DivergentShowCommand
{
    public static Command Create()
    {
        var place = new DivergentPlace();
        var command = new Command("show", "A kept content: what it has that the dump before it had not.") { place.Service, place.Id, place.Store, place.KeyFile };
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var terminal = Terminal.Of(parsed);
            using var interruption = new Interruption(cancellation);
            var shown = await terminal.WorkAsync(
                $"Reading the archive of {archive.Service}",
                _ => Task.Run(() => Show(archive, place.Find(parsed, archive, interruption.Token), interruption.Token))).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(shown, ArchiveJson.Default.ShownDivergent);
                return ExitCodes.Done;
            }

            terminal.Write($"{archive.Service}: {Describe(shown.Divergent)}");
            terminal.Write($"Kept because {shown.Divergent.Reason}.");
            terminal.Write(Differences(shown));
            ChangeList.Write(terminal, shown.Changes);
            return ExitCodes.Done;
        });
        return command;
    }

    internal static string Describe(ListedDivergent kept) =>
        $"{kept.Id}, kept {Humane.Time(kept.At)} on {kept.Node}, which had held epoch {kept.Epoch}: {kept.Files} files, {Humane.Bytes(kept.Bytes)}.";

    internal static string Differences(ShownDivergent shown) =>
        (shown.Divergent.BaseSequence is { } sequence ? $"Since dump #{sequence}, from which it derives: " : "It derives from no dump: ")
        + $"{shown.Added} added, {shown.Changed} changed, {shown.Removed} removed.";

    internal static ShownDivergent Show(ServiceArchive archive, DivergentRecord record, CancellationToken cancellation)
    {
        ImmutableArray<ShownChange> changes = [.. archive.Compare(record, cancellation).Select(ShownChange.Of)];
        return new ShownDivergent(
            archive.Service,
            DivergentListCommand.ToListed(record),
            changes.Count(change => change.Kind == "added"),
            changes.Count(change => change.Kind == "changed"),
            changes.Count(change => change.Kind == "removed"),
            changes);
    }
}
