using System.CommandLine;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs divergent discard</c>.</summary>
public static class DivergentDiscardCommand
{
    public static Command Create()
    {
        var place = new DivergentPlace();
        var confirmation = new Confirmation();
        var command = new Command("discard", "Let go of a kept content for good. Its space is freed when old dumps are pruned.")
        {
            place.Service, place.Id, place.Store, place.KeyFile, confirmation.Confirm,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var terminal = Terminal.Of(parsed);
            var (record, shown) = await Interruption.DuringAsync(interrupted => terminal.WorkAsync(
                $"Reading the archive of {archive.Service}",
                _ => Task.Run(() =>
                {
                    var found = place.Find(parsed, archive, interrupted);
                    return (found, DivergentShowCommand.Show(archive, found, interrupted));
                })), cancellation).ConfigureAwait(false);
            confirmation.Require(
                parsed,
                terminal,
                record.Id,
                [DivergentShowCommand.Describe(shown.Divergent), DivergentShowCommand.Differences(shown), "Nobody will be able to bring that back."]);
            await Task.Run(() => archive.Discard(record), cancellation).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(new DiscardedDivergent(archive.Service, record.Id), ArchiveJson.Default.DiscardedDivergent);
            }
            else
            {
                terminal.Write($"{archive.Service}: {record.Id} is discarded.");
            }

            return ExitCodes.Done;
        });
        return command;
    }
}
