using System.CommandLine;
using System.Diagnostics;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Guard.Protocol;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs acquire</c>: for a plain start hook. What holds the service afterwards is a detached <c>clusterfs hold</c>.</summary>
public static class AcquireCommand
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);

    public static Command Create()
    {
        var service = CommandArguments.Service();
        var timeout = CommandArguments.Timeout(DefaultTimeout, "How long to wait for ownership and for the content to be restored.");
        var command = new Command("acquire", "Own a service before it is started: for plain start hooks. Ends with 0 when it may be started.")
        {
            service, timeout,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = LocalService.Require(settings, parsed.GetRequiredValue(service)).Name;
            return AcquireAsync(settings, name, GlobalOptions.ConfigPath(parsed), parsed.GetValue(timeout) ?? DefaultTimeout, cancellation);
        });
        return command;
    }

    private static async Task<int> AcquireAsync(
        Settings settings, string service, string config, TimeSpan timeout, CancellationToken cancellation)
    {
        using var guard = new GuardStatus(settings.Node.GuardSocket);
        var report = await AskAsync(guard, service, cancellation).ConfigureAwait(false);
        if (IsReady(report))
        {
            return ExitCodes.Done;
        }

        await RefuseElsewhereAsync(settings, service, cancellation).ConfigureAwait(false);
        using var hold = report.AttachedProcess == 0 ? StartHold(service, config) : null;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            using var timer = new PeriodicTimer(LookEvery);
            while (!IsReady(await AskAsync(guard, service, limit.Token).ConfigureAwait(false)))
            {
                if (hold is { HasExited: true })
                {
                    throw new CommandException(ExitCodes.Refused, $"{service} could not be held", "see the guard's log");
                }

                await RefuseElsewhereAsync(settings, service, limit.Token).ConfigureAwait(false);
                _ = await timer.WaitForNextTickAsync(limit.Token).ConfigureAwait(false);
            }

            return ExitCodes.Done;
        }
        catch (Exception e) when (e is OperationCanceledException or CommandException)
        {
            if (hold is { HasExited: false })
            {
                _ = Posix.Processes.Signal(hold.Id, Posix.Processes.SignalTerminate);
            }

            if (e is OperationCanceledException && !cancellation.IsCancellationRequested)
            {
                throw new CommandException(
                    ExitCodes.TimedOut, $"{service} is not owned and restored here within {Durations.Show(timeout)}", "see 'clusterfs status'");
            }

            throw;
        }
    }

    /// <summary>A start hook on the wrong node must fail, not wait.</summary>
    private static async Task RefuseElsewhereAsync(Settings settings, string service, CancellationToken cancellation)
    {
        if (await LocalService.FindOtherOwnerAsync(settings, service, cancellation).ConfigureAwait(false) is { } owner)
        {
            throw new CommandException(
                ExitCodes.Refused, $"{service} is owned by node {owner}", $"'clusterfs move {service} --to {settings.Node.Name}' brings it here");
        }
    }

    private static bool IsReady(ServiceReport report) => report is { AttachedMode: AttachMode.Hold, Wanted: true, Phase: Phase.Running };

    private static async Task<ServiceReport> AskAsync(GuardStatus guard, string service, CancellationToken cancellation)
    {
        try
        {
            return await guard.GetAsync(service, AnswerTimeout, cancellation).ConfigureAwait(false)
                ?? throw new CommandException(ExitCodes.Refused, $"the guard does not know {service}", "was it started with this configuration?");
        }
        catch (GuardUnreachableException e)
        {
            throw new CommandException(ExitCodes.Unreachable, e.Message, "is 'clusterfs guard' running?");
        }
    }

    /// <summary>In a session of its own and with nothing of the hook's open, so that the hook can end.</summary>
    private static Process StartHold(string service, string config) =>
        Process.Start(new ProcessStartInfo(
            "setsid",
            [
                "/bin/sh", "-c", "exec \"$0\" \"$@\" </dev/null >/dev/null 2>&1", Environment.ProcessPath!, "hold", service, "--config",
                Path.GetFullPath(config),
            ]))!;
}
