using System.CommandLine;
using ClusterFs.Configuration;
using ClusterFs.Guard;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs release</c>: for a plain stop hook.</summary>
public static class ReleaseCommand
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var service = CommandArguments.Service();
        var timeout = CommandArguments.Timeout(DefaultTimeout, "How long to wait for the last dump.");
        var command = new Command(
            "release", "Give a service up after it was stopped: for plain stop hooks. Ends when another node may have it; the last dump is taken before, if shared storage is there.")
        {
            service, timeout,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = LocalService.Require(settings, parsed.GetRequiredValue(service)).Name;
            return ReleaseAsync(settings, name, parsed.GetValue(timeout) ?? DefaultTimeout, cancellation);
        });
        return command;
    }

    private static async Task<int> ReleaseAsync(Settings settings, string service, TimeSpan timeout, CancellationToken cancellation)
    {
        using var guard = new GuardStatus(settings.Node.GuardSocket);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            var report = await guard.GetAsync(service, AnswerTimeout, limit.Token).ConfigureAwait(false);
            if (report is not null && report.AttachedProcess != 0)
            {
                _ = Posix.Processes.Signal(report.AttachedProcess, Posix.Processes.SignalTerminate);
            }

            using var timer = new PeriodicTimer(LookEvery);
            while (report is not null && (report.ClosedEpoch < report.Epoch || report.AttachedProcess != 0))
            {
                _ = await timer.WaitForNextTickAsync(limit.Token).ConfigureAwait(false);
                report = await guard.GetAsync(service, AnswerTimeout, limit.Token).ConfigureAwait(false);
            }

            return ExitCodes.Done;
        }
        catch (GuardUnreachableException e)
        {
            throw new CommandException(ExitCodes.Unreachable, e.Message, "is 'clusterfs guard' running?");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new CommandException(
                ExitCodes.TimedOut, $"{service} is not given up within {Durations.Show(timeout)}", "see 'clusterfs status' and the guard's log");
        }
    }
}
