using System.Collections.Immutable;
using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Log;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive verify</c>.</summary>
public static class ArchiveVerifyCommand
{
    public static Command Create()
    {
        var place = new ArchivePlace();
        var quick = new Option<bool>("--quick") { Description = "Read the lists only, and see that everything they refer to is there." };
        var all = new Option<bool>("--all") { Description = "Every dump, in place of one." };
        var command = new Command("verify", "Read a dump back and check every hash. Ends with 1 when anything is damaged.")
        {
            place.Service, place.Store, place.KeyFile, quick, all, place.Sequence, place.At,
        };
        place.RequireOneChoice(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var full = !parsed.GetValue(quick);
            var terminal = Terminal.Of(parsed);
            using var interruption = new Interruption(cancellation);
            var verified = await terminal.WorkAsync(
                $"Verifying {archive.Service}",
                say => Task.Run(() => Verify(archive, DumpsOf(parsed, place, archive, parsed.GetValue(all), interruption.Token), full, say, interruption.Token)))
                .ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(new Verification(archive.Service, full, verified), ArchiveJson.Default.Verification);
            }
            else
            {
                foreach (var dump in verified)
                {
                    var state = dump.Damages.IsEmpty ? "intact" : "DAMAGED";
                    terminal.Write($"#{dump.Sequence} {state}: {dump.Files} files, {Humane.Bytes(dump.Bytes)}");
                    dump.Damages.ToList().ForEach(terminal.Write);
                }
            }

            return verified.All(dump => dump.Damages.IsEmpty) ? ExitCodes.Done : ExitCodes.Failed;
        });
        return command;
    }

    private static List<DumpRecord> DumpsOf(
        ParseResult parsed, ArchivePlace place, ServiceArchive archive, bool all, CancellationToken cancellation) =>
        all ? [.. archive.List(cancellation).OfType<DumpRecord>()] : [place.Choose(parsed, archive, cancellation)];

    private static ImmutableArray<VerifiedDump> Verify(
        ServiceArchive archive, List<DumpRecord> dumps, bool full, Action<string> say, CancellationToken cancellation)
    {
        var verified = ImmutableArray.CreateBuilder<VerifiedDump>();
        foreach (var dump in dumps)
        {
            say($"Verifying {archive.Service}: dump #{dump.Slot}");
            var report = archive.Verify(dump.Content, cancellation, full);
            verified.Add(new VerifiedDump(dump.Slot, report.Files, report.Bytes, [.. report.Damages]));
        }

        return verified.ToImmutable();
    }
}
