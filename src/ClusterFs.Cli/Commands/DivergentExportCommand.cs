using System.CommandLine;
using ClusterFs.Archive;
using ClusterFs.Archive.Log;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs divergent export</c>: a plain tar file, which needs no ClusterFs to be read.</summary>
public static class DivergentExportCommand
{
    public static Command Create()
    {
        var place = new DivergentPlace();
        var output = TarOutput.Option();
        var command = new Command("export", "Write a kept content as a tar file.") { place.Service, place.Id, place.Store, place.KeyFile, output };
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var terminal = Terminal.Of(parsed);
            var file = TarOutput.Of(parsed, output, terminal);
            using var interruption = new Interruption(cancellation);
            var record = await terminal.WorkAsync(
                $"Exporting from {archive.Service}",
                _ => Task.Run(() => Export(archive, place.Find(parsed, archive, interruption.Token), file, interruption.Token))).ConfigureAwait(false);
            if (file != TarOutput.StandardOutput)
            {
                terminal.Write($"{file}: {record.Content.Files} files, {Humane.Bytes(record.Content.Bytes)}, {record.Reason}");
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static DivergentRecord Export(ServiceArchive archive, DivergentRecord record, string file, CancellationToken cancellation)
    {
        TarOutput.Write(archive, record.Content, file, cancellation);
        return record;
    }
}
