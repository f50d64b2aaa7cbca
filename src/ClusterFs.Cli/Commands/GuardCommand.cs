using System.CommandLine;
using System.Runtime.InteropServices;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Guard.Systemd;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs guard</c>.</summary>
public static class GuardCommand
{
    private const int LeastThreads = 64;

    public static Command Create()
    {
        var command = new Command(
            "guard", "Run the guard of this node in the foreground (Type=notify): it votes, holds leases and stops services in time.");
        command.SetAction((parsed, _) => RunAsync(GuardSettings.Of(GlobalOptions.Load(parsed, new LoadOptions { KeepCopies = true }))));
        return command;
    }

    private static async Task<int> RunAsync(GuardSettings settings)
    {
        // Work that waits for a disk or another program on the pool's threads must not keep a renewal waiting for a thread.
        _ = ThreadPool.SetMinThreads(LeastThreads, LeastThreads);
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true;
            _ = told.TrySetResult();
        }

        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var logs = LoggerFactory.Create(logging => AddConsole(logging)
            .AddFilter("Microsoft", LogLevel.Warning)
            .AddFilter("Grpc", LogLevel.Warning));
        try
        {
            await using var guard = await GuardHost.StartAsync(settings, logs).ConfigureAwait(false);
            ServiceManagerNotice.Ready();
            await told.Task.ConfigureAwait(false);
            ServiceManagerNotice.Stopping();
            await guard.DrainAsync().ConfigureAwait(false);
            return ExitCodes.Done;
        }
        catch (GuardRunningException e)
        {
            throw new CommandException(ExitCodes.Failed, e.Message);
        }
        catch (OnLostUnavailableException e)
        {
            throw new CommandException(ExitCodes.Failed, e.Message, "run it as root, or use on-lost = kill");
        }
    }

    private static ILoggingBuilder AddConsole(ILoggingBuilder logging)
    {
        logging.AddConsole(console =>
        {
            console.LogToStandardErrorThreshold = LogLevel.Trace;

            // Nobody who has deadlines waits for a reader of the log.
            console.QueueFullMode = ConsoleLoggerQueueFullMode.DropWrite;
        });

        // The journal has times of its own, and takes levels from the line.
        return Environment.GetEnvironmentVariable("JOURNAL_STREAM") is not null
            ? logging.AddSystemdConsole()
            : logging.AddSimpleConsole(console =>
            {
                console.SingleLine = true;
                console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fffzzz ";
                console.ColorBehavior = LoggerColorBehavior.Disabled;
            });
    }
}
