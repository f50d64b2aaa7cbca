using System.CommandLine;
using ClusterFs.Cli.Display;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs static rollback</c>.</summary>
public static class StaticRollbackCommand
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(5);

    public static Command Create()
    {
        var target = new StaticTarget();
        var to = new Option<long?>("--to")
        {
            Description = "Which generation, as 'static list' numbers them. Default: the newest whose files are not those of the newest",
            HelpName = "N",
        };
        var timeout = CommandArguments.Timeout(DefaultTimeout, "How long to wait for the nodes to switch.");
        var command = new Command("rollback", "Publish an older generation again, as a new one. Nothing is stored again, and all nodes switch to it together.")
        {
            target.Name, to, timeout,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var (service, content) = target.Read(parsed, settings);
            var terminal = Terminal.Of(parsed);
            using var interruption = new Interruption(cancellation, secondEnds: true);
            var store = StaticTarget.Open(settings, service, content);
            var generation = await terminal.WorkAsync(
                "Rolling back", _ => Task.Run(() => store.Rollback(parsed.GetValue(to), settings.Node.Name, interruption.Token))).ConfigureAwait(false);
            var (code, report) = await StaticTarget.SwitchAsync(
                terminal, settings, service, content, generation, parsed.GetValue(timeout) ?? DefaultTimeout, interruption.Token).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(
                    new Publication(
                        service.Name, content.Name, generation.Number, IsNew: true, generation.Content.Files, generation.Content.Bytes, 0, 0, report?.Nodes),
                    StaticJson.Default.Publication);
            }
            else
            {
                terminal.Write($"{service.Name}/{content.Name}: generation {generation.Number} has the files of an older one: {generation.Content.Files} files, {Humane.Bytes(generation.Content.Bytes)}.");
                if (report is not null)
                {
                    StaticTarget.Write(terminal, report);
                }
            }

            return code;
        });
        return command;
    }
}
