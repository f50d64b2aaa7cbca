using System.CommandLine;
using ClusterFs.Guard;
using ClusterFs.Guard.Protocol;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs admit</c>: the last look before systemd starts an attached unit. Nobody types it.</summary>
public static class AdmitCommand
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var service = CommandArguments.Service();
        var command = new Command("admit", "Ends with 0 if the guard holds the service's lease now and lets it run.") { service };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellation) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var name = LocalService.Require(settings, parsed.GetRequiredValue(service)).Name;
            using var guard = new GuardStatus(settings.Node.GuardSocket);
            try
            {
                return await guard.GetAsync(name, AnswerTimeout, cancellation).ConfigureAwait(false)
                    is { AttachedMode: AttachMode.Hold, Phase: Phase.Running, LeaseRemainingMs: > 0 }
                    ? ExitCodes.Done
                    : throw new CommandException(ExitCodes.Refused, $"{name} does not start: this node does not hold its lease");
            }
            catch (GuardUnreachableException e)
            {
                throw new CommandException(ExitCodes.Unreachable, e.Message, $"{name} does not start without its guard");
            }
        });
        return command;
    }
}
