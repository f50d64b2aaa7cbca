using System.CommandLine;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.Systemd;

namespace ClusterFs.Cli.Commands;

/// <summary>
/// <c>clusterfs admit</c>: the last look before systemd starts an attached unit, from inside that unit. Nobody types it. It reads no
/// configuration: a mistake in that, or its storage being away, stops no restart.
/// </summary>
public static class AdmitCommand
{
    /// <summary>The only code with which ExecCondition= fails a unit, in place of leaving it alone without a word.</summary>
    public const int NotAdmitted = 255;

    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    public static Command Create()
    {
        var service = CommandArguments.Service();
        var socket = new Option<string>("--guard") { Description = "The guard's socket.", HelpName = "SOCKET", Required = true };
        var unit = new Option<string>("--unit") { Description = "The unit that is to start.", HelpName = "UNIT", Required = true };
        var command = new Command("admit", "Ends with 0 if the guard holds the service's lease now, lets it run and can kill what runs in the unit.")
        {
            service, socket, unit,
        };
        command.Hidden = true;
        command.SetAction(async (parsed, cancellation) =>
        {
            var name = parsed.GetRequiredValue(service);
            using var guard = new GuardStatus(parsed.GetRequiredValue(socket));
            try
            {
                var problem = WhyNot(
                    await guard.GetAsync(name, AnswerTimeout, cancellation).ConfigureAwait(false),
                    parsed.GetRequiredValue(unit),
                    started => UnitProcesses.Include(started, Environment.ProcessId));
                return problem is null ? ExitCodes.Done : throw new CommandException(NotAdmitted, $"{name} does not start: {problem}");
            }
            catch (GuardUnreachableException e)
            {
                throw new CommandException(NotAdmitted, e.Message, $"{name} does not start without its guard");
            }
        });
        return command;
    }

    /// <param name="report">What the running guard says of the service, whatever its configuration says by now.</param>
    /// <param name="isFoundIn">Whether the guard's way of finding what runs in a unit finds this process.</param>
    internal static string? WhyNot(ServiceReport? report, string unit, Func<string, bool> isFoundIn) => report switch
    {
        null => "the guard that runs knows no such service on this node",
        { Unit: var known } when known != unit =>
            $"the guard that runs would stop {(known.Length == 0 ? "no unit" : known)}, not {unit}; if the configuration is right: systemctl restart clusterfs-guard",
        not { AttachedMode: AttachMode.Hold, Phase: Phase.Running, LeaseRemainingMs: > 0 } => "this node does not hold its lease",
        _ when !isFoundIn(unit) => $"what runs in it is not found by the name {unit}, so it could not be killed in time",
        _ => null,
    };
}
