using System.CommandLine;
using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Cli.Display;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs status</c>.</summary>
public static class StatusCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WatchEvery = TimeSpan.FromSeconds(1);

    private static readonly ApiJson Indented = new(new JsonSerializerOptions(ApiJson.Default.Options) { WriteIndented = true });

    public static Command Create()
    {
        var service = CommandArguments.OptionalService("Only this service.");
        var watch = new Option<bool>("--watch") { Description = "Show it again every second, until interrupted." };
        var command = new Command("status", "Who owns what, how fresh its dumps are, and what a failure would lose now.")
        {
            service, watch,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = parsed.GetValue(service);
            if (name is not null)
            {
                settings.RequireService(name);
            }

            using var client = new DaemonClient(settings.Node.Socket);
            var display = new Display(client, name, Terminal.Of(parsed), parsed.GetValue(GlobalOptions.Json));
            var shown = parsed.GetValue(watch) ? display.WatchAsync(cancellation) : display.ShowAsync(cancellation);
            return await shown.ConfigureAwait(false);
        });
        return command;
    }

    private sealed class Display(DaemonClient client, string? only, Terminal terminal, bool json)
    {
        public async Task<int> ShowAsync(CancellationToken cancellation)
        {
            var report = await AskAsync(cancellation).ConfigureAwait(false);
            if (json)
            {
                terminal.WriteJson(report, Indented.StatusReport);
            }
            else
            {
                Write(StatusView.Of(report, TimeProvider.System.GetUtcNow()));
            }

            return ExitCodes.Done;
        }

        public async Task<int> WatchAsync(CancellationToken cancellation)
        {
            using var interrupted = new Interruption(cancellation);
            try
            {
                await (terminal.Screen is { } screen && !json
                    ? WatchOnScreenAsync(screen, interrupted.Token)
                    : WatchInPipeAsync(interrupted.Token)).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (interrupted.Token.IsCancellationRequested)
            {
                // That is how watching ends.
            }

            return ExitCodes.Done;
        }

        private Task WatchOnScreenAsync(IAnsiConsole screen, CancellationToken cancellation) =>
            screen.Live(new Text("")).StartAsync(async live =>
            {
                while (true)
                {
                    live.UpdateTarget(await PictureAsync(cancellation).ConfigureAwait(false));
                    await Task.Delay(WatchEvery, cancellation).ConfigureAwait(false);
                }
            });

        /// <summary>A daemon that is away for a while is something to be seen, not a reason to stop watching.</summary>
        private async Task<IRenderable> PictureAsync(CancellationToken cancellation)
        {
            try
            {
                var view = StatusView.Of(await AskAsync(cancellation).ConfigureAwait(false), TimeProvider.System.GetUtcNow());
                return new Rows(new Text(view.Heading), view.Services.ToTable(), new Rows(view.Notes.Select(note => new Text(note))));
            }
            catch (DaemonException e)
            {
                return new Text(e.Message);
            }
        }

        private async Task WatchInPipeAsync(CancellationToken cancellation)
        {
            while (true)
            {
                var report = await AskAsync(cancellation).ConfigureAwait(false);
                if (json)
                {
                    terminal.WriteJson(report, ApiJson.Default.StatusReport);
                }
                else
                {
                    Write(StatusView.Of(report, TimeProvider.System.GetUtcNow()));
                    terminal.Write("");
                }

                await Task.Delay(WatchEvery, cancellation).ConfigureAwait(false);
            }
        }

        private async Task<StatusReport> AskAsync(CancellationToken cancellation)
        {
            var report = await client.GetStatusAsync(AnswerTimeout, cancellation).ConfigureAwait(false);
            return only is null ? report : report with { Services = report.Services.RemoveAll(service => service.Name != only) };
        }

        private void Write(StatusView view)
        {
            terminal.Write(view.Heading);
            terminal.Write(view.Services);
            foreach (var note in view.Notes)
            {
                terminal.Write(note);
            }
        }
    }
}
