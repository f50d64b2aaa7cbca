using System.Collections.Immutable;
using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Log;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive show</c>.</summary>
public static class ArchiveShowCommand
{
    public static Command Create()
    {
        var place = new ArchivePlace();
        var command = new Command("show", "A dump: its size, and what differs from the one before it.")
        {
            place.Service, place.Store, place.KeyFile, place.Sequence, place.At,
        };
        place.RequireOneChoice(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var terminal = Terminal.Of(parsed);
            var shown = await terminal.WorkAsync(
                $"Reading the archive of {archive.Service}",
                _ => Task.Run(() => Show(archive, place.Choose(parsed, archive, cancellation), cancellation), cancellation)).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(shown, ArchiveJson.Default.ShownDump);
                return ExitCodes.Done;
            }

            var dump = shown.Dump;
            terminal.Write($"{archive.Service}: dump #{dump.Sequence} of {Humane.Time(dump.At)}, epoch {dump.Epoch}, by {dump.Node}: "
                + $"{dump.Files} files, {Humane.Bytes(dump.Bytes)}; it added {Humane.Bytes(dump.StoredBytes)} to the archive.");
            if (dump.Adopted is { } id)
            {
                terminal.Write($"Adopted: it was divergent content before, {id}.");
            }

            terminal.Write(dump.Guarantee);
            terminal.Write(shown.Before is { } before
                ? $"Since dump #{before}: {shown.Added} added, {shown.Changed} changed, {shown.Removed} removed."
                : "The first dump of the line.");
            ChangeList.Write(terminal, shown.Changes);
            return ExitCodes.Done;
        });
        return command;
    }

    private static ShownDump Show(ServiceArchive archive, DumpRecord dump, CancellationToken cancellation)
    {
        var before = archive.List(cancellation).OfType<DumpRecord>().LastOrDefault(other => other.Slot < dump.Slot);
        ImmutableArray<ShownChange> changes = before is null
            ? []
            : [.. archive.Compare(before.Content, dump.Content).Select(ShownChange.Of)];
        return new ShownDump(
            archive.Service,
            ArchiveListCommand.ToListed(dump),
            before?.Slot,
            changes.Count(change => change.Kind == "added"),
            changes.Count(change => change.Kind == "changed"),
            changes.Count(change => change.Kind == "removed"),
            changes);
    }
}
