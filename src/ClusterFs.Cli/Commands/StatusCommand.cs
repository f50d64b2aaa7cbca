using System.CommandLine;
using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Cli.Display;

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
        var watch = new Option<bool>("--watch") { Description = "Keep showing it until interrupted: on a terminal as a screen that q ends, elsewhere again every second." };
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
                await (terminal.Screen is not null && !json
                    ? WatchOnScreenAsync(interrupted.Token)
                    : WatchInPipeAsync(interrupted.Token)).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (interrupted.Token.IsCancellationRequested)
            {
                // That is how watching ends.
            }

            return ExitCodes.Done;
        }

        private async Task WatchOnScreenAsync(CancellationToken cancellation)
        {
            using var wake = new SemaphoreSlim(0);
            using var screen = new LiveScreen(Console.Out, wake);
            using var keys = new KeyReader();
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var (view, problem, scrolled) = ((StatusView?)null, (string?)"Asking the daemon …", 0);
            Task<(StatusView?, string?)>? asking = null;
            var again = Task.CompletedTask;
            var key = keys.NextAsync(ended.Token);
            var waked = wake.WaitAsync(ended.Token);
            try
            {
                while (true)
                {
                    var frame = StatusFrame.Of(view, problem, LiveScreen.Width, LiveScreen.Height, scrolled);
                    scrolled = frame.Scrolled;
                    screen.Draw(frame.Lines);
                    asking ??= again.IsCompleted ? LookAsync(view, ended.Token) : null;
                    _ = await Task.WhenAny(asking ?? again, key, waked).ConfigureAwait(false);
                    if (asking is { IsCompleted: true })
                    {
                        (view, problem) = await asking.ConfigureAwait(false);
                        (asking, again) = (null, Task.Delay(WatchEvery, ended.Token));
                    }

                    if (key.IsCompleted)
                    {
                        var pressed = await key.ConfigureAwait(false);
                        if (pressed is ConsoleKey.Q or ConsoleKey.Escape)
                        {
                            return;
                        }

                        scrolled = Math.Max(0, scrolled + StepOf(pressed));
                        key = keys.NextAsync(ended.Token);
                    }

                    if (waked.IsCompleted)
                    {
                        await waked.ConfigureAwait(false);
                        waked = wake.WaitAsync(ended.Token);
                    }
                }
            }
            finally
            {
                // What waits for more must not outlive what it waits on.
                await ended.CancelAsync().ConfigureAwait(false);
                await waked.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await ((Task)key).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        private static int StepOf(ConsoleKey key) => key switch
        {
            ConsoleKey.DownArrow or ConsoleKey.J => 1,
            ConsoleKey.UpArrow or ConsoleKey.K => -1,
            ConsoleKey.PageDown or ConsoleKey.Spacebar => LiveScreen.Height - 1,
            ConsoleKey.PageUp => 1 - LiveScreen.Height,
            ConsoleKey.Home => -int.MaxValue / 2,
            ConsoleKey.End => int.MaxValue / 2,
            _ => 0,
        };

        /// <summary>A daemon that is away for a while is something to be seen, not a reason to stop watching, nor to forget what it said last.</summary>
        private async Task<(StatusView?, string?)> LookAsync(StatusView? before, CancellationToken cancellation)
        {
            try
            {
                return (StatusView.Of(await AskAsync(cancellation).ConfigureAwait(false), TimeProvider.System.GetUtcNow()), null);
            }
            catch (DaemonException e)
            {
                return (before, before is null ? e.Message : $"{e.Message} What follows is what it said last.");
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
