using System.CommandLine;
using ClusterFs.Cli.Display;
using ClusterFs.Configuration;
using ClusterFs.Content.Static;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs static publish</c>.</summary>
public static class StaticPublishCommand
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(5);

    public static Command Create()
    {
        var target = new StaticTarget();
        var directory = new Argument<string>("DIRECTORY") { Description = "What is published. It is only read, and nobody may write there meanwhile." };
        var allowEmpty = new Option<bool>("--allow-empty") { Description = "Publish a directory with nothing in it." };
        var timeout = CommandArguments.Timeout(DefaultTimeout, "How long to wait for the nodes to switch.");
        var command = new Command(
            "publish", "Store a directory as the next generation, and have all nodes switch to it together. Interrupted before it is stored, it changes nothing.")
        {
            target.Name, directory, timeout, allowEmpty,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var (service, content) = target.Read(parsed, settings);
            var terminal = Terminal.Of(parsed);
            using var interruption = new Interruption(cancellation, secondEnds: true);
            var store = StaticTarget.Open(settings, service, content);
            var result = await terminal.WorkAsync(
                $"Publishing {content.Name}",
                show => Task.Run(() => new StaticPublisher(store, settings.Node.Name, Path.Combine(settings.Node.StaticDirectory, service.Name, content.Name)).Publish(
                    parsed.GetRequiredValue(directory),
                    asFiles: content.IsServedFromShared,
                    allowEmpty: parsed.GetValue(allowEmpty),
                    new Shown(show),
                    interruption.Token))).ConfigureAwait(false);
            foreach (var warning in result.Warnings)
            {
                terminal.Say($"warning: {warning}");
            }

            var generation = result.Generation;
            var (code, report) = await StaticTarget.SwitchAsync(
                terminal, settings, service, content, generation, parsed.GetValue(timeout) ?? DefaultTimeout, interruption.Token).ConfigureAwait(false);
            if (parsed.GetValue(GlobalOptions.Json))
            {
                terminal.WriteJson(
                    new Publication(
                        service.Name,
                        content.Name,
                        generation.Number,
                        result.IsNew,
                        generation.Content.Files,
                        generation.Content.Bytes,
                        result.IsNew ? generation.Content.StoredBytes : 0,
                        result.Changed,
                        report?.Nodes),
                    StaticJson.Default.Publication);
            }
            else
            {
                terminal.Write(result.IsNew
                    ? $"{service.Name}/{content.Name}: generation {generation.Number}: {generation.Content.Files} files, {Humane.Bytes(generation.Content.Bytes)}, {result.Changed} changes, {Humane.Bytes(generation.Content.StoredBytes)} added to shared storage."
                    : $"{service.Name}/{content.Name}: nothing has changed since generation {generation.Number}.");
                if (report is not null)
                {
                    StaticTarget.Write(terminal, report);
                }
            }

            if (result.IsNew)
            {
                Prune(terminal, store, content.Keep, service.Nodes, interruption.Token);
            }

            return code;
        });
        return command;
    }

    /// <summary>What was published is there, whatever becomes of this.</summary>
    private static void Prune(Terminal terminal, StaticStore store, int keep, IReadOnlyCollection<string> nodes, CancellationToken cancellation)
    {
        try
        {
            store.Prune(keep, nodes, cancellation);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            terminal.Say($"warning: older generations are still there: {problem.Message}");
        }
    }

    private sealed class Shown(Action<string> show) : IProgress<PublishProgress>
    {
        private long _shown;

        public void Report(PublishProgress value)
        {
            const int often = 500;
            if (value.Files == 0 || value.Files == value.TotalFiles || value.Files - _shown >= often)
            {
                _shown = value.Files;
                show(value.TotalFiles == 0
                    ? value.Step
                    : $"{value.Step}: {value.Files} of {value.TotalFiles} files, {Humane.Bytes(value.Bytes)} of {Humane.Bytes(value.TotalBytes)}");
            }
        }
    }
}
