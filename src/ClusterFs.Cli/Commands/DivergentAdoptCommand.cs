using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Log;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs divergent adopt</c>.</summary>
public static class DivergentAdoptCommand
{
    public static Command Create()
    {
        var place = new DivergentPlace();
        place.Service.Description = "A service of the configuration.";
        var confirmation = new Confirmation();
        var command = new Command(
            "adopt", "Make a kept content what the service goes on from. Where it runs it is stopped, and what it had written is kept in its turn.")
        {
            place.Service, place.Id, place.KeyFile, confirmation.Confirm,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var terminal = Terminal.Of(parsed);
            var (record, consequences) = await Interruption.DuringAsync(interrupted => terminal.WorkAsync(
                $"Reading the archive of {archive.Service}",
                _ => Task.Run(() =>
                {
                    var found = place.Find(parsed, archive, interrupted);
                    return (found, Consequences(archive, found, interrupted));
                })), cancellation).ConfigureAwait(false);
            confirmation.Require(parsed, terminal, record.Id, consequences);
            var dump = await Interruption.DuringAsync(interrupted => terminal.WorkAsync(
                $"Reading {record.Id} back, and adopting it",
                _ => Task.Run(() => archive.Adopt(record, interrupted))), cancellation).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(new AdoptedDivergent(archive.Service, record.Id, dump.Slot), ArchiveJson.Default.AdoptedDivergent);
            }
            else
            {
                terminal.Write($"{archive.Service}: {record.Id} is dump #{dump.Slot} now, the newest. Where the service runs, it starts anew from it at its next dump.");
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static IReadOnlyList<string> Consequences(ServiceArchive archive, DivergentRecord record, CancellationToken cancellation)
    {
        var dumps = archive.List(cancellation).OfType<DumpRecord>().ToList();
        var shown = DivergentShowCommand.Show(archive, record, cancellation);
        var passed = dumps.Count(dump => dump.Slot > (record.BaseSlot ?? 0));
        return
        [
            DivergentShowCommand.Describe(shown.Divergent),
            DivergentShowCommand.Differences(shown),
            passed == 0
                ? "No dump has been taken since."
                : $"{(passed == 1 ? "The dump" : $"The {passed} dumps")} since then, up to #{dumps[^1].Slot} of {Humane.Time(dumps[^1].At.ToUniversalTime())} "
                    + $"by {dumps[^1].Node}, may hold what it has not, and stay in the archive until they are pruned.",
            "Where the service runs, it is stopped, and what it wrote since its last dump is kept as divergent. While it is paused, it stays stopped.",
        ];
    }
}
