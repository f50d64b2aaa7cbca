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
        var service = CommandArguments.Service();
        var id = new Argument<string>("ID") { Description = "As 'divergent list' shows it; its beginning is enough." };
        var output = TarOutput.Option();
        var command = new Command("export", "Write a kept content as a tar file.") { service, id, output };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = settings.RequireService(parsed.GetRequiredValue(service)).Name;
            var archive = new ServiceArchive(settings.Shared.Path, name);
            var terminal = Terminal.Of(parsed);
            var file = TarOutput.Of(parsed, output, terminal);
            using var interruption = new Interruption(cancellation);
            var record = await terminal.WorkAsync(
                $"Exporting from {name}",
                _ => Task.Run(() => Export(archive, parsed.GetRequiredValue(id), file, interruption.Token))).ConfigureAwait(false);
            if (file != TarOutput.StandardOutput)
            {
                terminal.Write($"{file}: {record.Content.Files} files, {Humane.Bytes(record.Content.Bytes)}, {record.Reason}");
            }

            return ExitCodes.Done;
        });
        return command;
    }

    private static DivergentRecord Export(ServiceArchive archive, string id, string file, CancellationToken cancellation)
    {
        var record = Find(archive, id, cancellation);
        TarOutput.Write(archive, record.Content, file, cancellation);
        return record;
    }

    private static DivergentRecord Find(ServiceArchive archive, string id, CancellationToken cancellation)
    {
        var found = archive.ListDivergent(cancellation).Where(record => record.Id.StartsWith(id, StringComparison.Ordinal)).ToList();
        return found.Find(record => record.Id == id) ?? found.Count switch
        {
            1 => found[0],
            0 => throw new CommandException(
                ExitCodes.Failed,
                $"{archive.Service} has no divergent content '{id}'",
                $"see 'clusterfs divergent list {archive.Service}'"),
            _ => throw new CommandException(
                ExitCodes.Failed,
                $"'{id}' begins {found.Count} ids of {archive.Service}",
                $"write more of it: {string.Join(", ", found.Select(record => record.Id))}"),
        };
    }
}
