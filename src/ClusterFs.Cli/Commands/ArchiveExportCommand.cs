using System.CommandLine;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs archive export</c>: a dump as a plain tar file, which needs no ClusterFs to be read.</summary>
public static class ArchiveExportCommand
{
    public static Command Create()
    {
        var place = new ArchivePlace();
        var output = TarOutput.Option();
        var command = new Command("export", "Write a dump as a tar file.") { place.Service, place.Store, place.KeyFile, output, place.Sequence, place.At };
        place.RequireOneChoice(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            var archive = place.Open(parsed);
            var terminal = Terminal.Of(parsed);
            var file = TarOutput.Of(parsed, output, terminal);
            using var interruption = new Interruption(cancellation);
            var dump = await terminal.WorkAsync(
                $"Exporting {archive.Service}",
                _ => Task.Run(() =>
                {
                    var chosen = place.Choose(parsed, archive, interruption.Token);
                    TarOutput.Write(archive, chosen.Content, file, interruption.Token);
                    return chosen;
                })).ConfigureAwait(false);
            if (file != TarOutput.StandardOutput)
            {
                terminal.Write($"{file}: dump #{dump.Slot}, {dump.Content.Files} files, {Humane.Bytes(dump.Content.Bytes)}");
            }

            return ExitCodes.Done;
        });
        return command;
    }
}
