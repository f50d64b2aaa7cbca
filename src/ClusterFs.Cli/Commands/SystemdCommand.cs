using System.CommandLine;
using ClusterFs.Cli.Display;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Guard.Systemd;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs systemd</c>: what ties a unit of systemd to the lease of a service.</summary>
public static class SystemdCommand
{
    private static readonly TimeSpan GuardPatience = TimeSpan.FromSeconds(2);

    private const string Running = "/run/systemd/system";

    public static Command Create() => new("systemd", "Tie a unit of systemd on this node to the lease of a service, or untie it.")
    {
        CreateAttach(),
        CreateDetach(),
    };

    private static Command CreateAttach()
    {
        var unit = Unit();
        var service = CommandArguments.Service();
        var command = new Command(
            "attach", "Have a unit start only where this node holds the service's lease, and end with it; the guard starts it where it is owned.")
        {
            unit, service,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            var terminal = Terminal.Of(parsed);
            RequireDefaultConfiguration(parsed);
            var settings = GlobalOptions.Load(parsed);
            var attachment = Of(parsed.GetRequiredValue(unit), LocalService.Require(settings, parsed.GetRequiredValue(service)));
            RequireSystemd();
            await RequireGuardKnowsAsync(settings, attachment, cancellation).ConfigureAwait(false);
            var text = attachment.Text(Program, settings.Node.GuardSocket);
            var isWritten = attachment.TryRead(out var before) && before == text;
            var facts = Systemctl.Describe(attachment.Unit);
            if (facts.WhyNotAttachable(attachment.Unit) is { } problem)
            {
                throw new CommandException(ExitCodes.Refused, problem);
            }

            if (before is not null && !attachment.Names(before))
            {
                throw new CommandException(ExitCodes.Refused, $"{attachment.Unit} is attached to another service than {attachment.Service}", $"see {attachment.Path}");
            }

            if (!isWritten || facts.WhyNotBound(attachment.Unit, attachment.Service) is not null)
            {
                RequireNotEnabled(attachment.Unit, facts);
                RequireStopped(attachment.Unit, facts, "attach");
                attachment.Write(text);

                // Also where the drop-in was there: systemd may not have read it.
                Systemctl.Reload();
                if (Systemctl.Describe(attachment.Unit).WhyNotBound(attachment.Unit, attachment.Service) is { } unbound)
                {
                    throw new CommandException(ExitCodes.Failed, unbound);
                }

                isWritten = false;
            }

            terminal.Write(isWritten
                ? $"{attachment.Unit} is attached to {attachment.Service} already."
                : $"{attachment.Unit} starts only where this node holds the lease of {attachment.Service}: {attachment.Path}");
            terminal.Write("Do the same on the other nodes. It starts on one of them within seconds: clusterfs status");
            return ExitCodes.Done;
        });
        return command;
    }

    private static Command CreateDetach()
    {
        var unit = Unit();
        var service = CommandArguments.Service();
        var command = new Command("detach", "Undo attach on this node: the unit is an ordinary one again.") { unit, service };
        command.SetAction(parsed =>
        {
            var terminal = Terminal.Of(parsed);
            var attachment = new UnitAttachment(NameOf(parsed.GetRequiredValue(unit)), parsed.GetRequiredValue(service));
            RequireSystemd();
            if (!attachment.TryRead(out var text))
            {
                if (Systemctl.Describe(attachment.Unit).BindsLeaseOf(attachment.Service))
                {
                    Systemctl.Reload();
                }

                terminal.Write($"{attachment.Unit} is not attached.");
                return ExitCodes.Done;
            }

            if (!attachment.Names(text))
            {
                throw new CommandException(ExitCodes.Refused, $"{attachment.Unit} is attached to another service than {attachment.Service}", $"see {attachment.Path}");
            }

            RequireNothingStarts(attachment);

            // First so that nobody starts it any more, neither the guard nor anybody else: a start that is planned when the lease goes away would
            // run at once, and without it.
            if (attachment.Exists())
            {
                attachment.Write(UnitAttachment.OnItsWayOut(text));
                Systemctl.Reload();
                try
                {
                    RequireNothingStarts(attachment);
                }
                catch (CommandException)
                {
                    attachment.Write(text);
                    Systemctl.Reload();
                    throw;
                }
            }

            attachment.Remove();
            Systemctl.Reload();
            terminal.Write($"{attachment.Unit} is an ordinary unit again, and may start without a lease.");
            return ExitCodes.Done;
        });
        return command;
    }

    private static string Program => Environment.ProcessPath!;

    private static Argument<string> Unit() => new("UNIT") { Description = "The unit of systemd that the service runs as." };

    private static string NameOf(string unit) =>
        unit.Contains('/', StringComparison.Ordinal) || unit.StartsWith('.') || unit.StartsWith('-')
            ? throw new CommandException(ExitCodes.Usage, $"'{unit}' is no name of a unit")
            : !unit.Contains('.', StringComparison.Ordinal) ? $"{unit}.service"
            : unit.EndsWith(".service", StringComparison.Ordinal) ? unit
            : throw new CommandException(ExitCodes.Usage, $"{unit} is no service: only units that end in .service can be attached");

    private static UnitAttachment Of(string unit, ServiceSettings service)
    {
        var name = NameOf(unit);
        return service.Unit == name
            ? new UnitAttachment(name, service.Name)
            : throw new CommandException(
                ExitCodes.Usage,
                service.Unit is { } other ? $"the unit of {service.Name} is {other}, not {name}" : $"the configuration does not say that {service.Name} runs as {name}",
                $"the guard has to know what to stop: set clusterfs.services.{service.Name}.unit = {name} on all nodes, and restart their guards");
    }

    private static void RequireSystemd()
    {
        if (!Processes.IsRoot)
        {
            throw new CommandException(ExitCodes.Failed, "only root may change units", "use sudo");
        }

        if (!Directory.Exists(Running))
        {
            throw new CommandException(ExitCodes.Failed, "systemd does not run on this machine", "'clusterfs run' does without");
        }
    }

    /// <summary>The drop-in asks the guard of the default configuration, and so does the unit that holds the lease.</summary>
    private static void RequireDefaultConfiguration(ParseResult parsed)
    {
        if (GlobalOptions.ConfigPath(parsed) is var path && path != ConfigurationLoader.DefaultPath)
        {
            throw new CommandException(ExitCodes.Usage, $"under systemd the configuration is {ConfigurationLoader.DefaultPath}, not {path}");
        }
    }

    /// <summary>The configuration may have been changed since the guard read it, and a guard that knows nothing of the unit would not stop it.</summary>
    private static async Task RequireGuardKnowsAsync(Settings settings, UnitAttachment attachment, CancellationToken cancellation)
    {
        const string Restart = "systemctl restart clusterfs-guard clusterfs, here and on the other nodes";
        using var guard = new GuardStatus(settings.Node.GuardSocket);
        try
        {
            var report = await guard.GetAsync(attachment.Service, GuardPatience, cancellation).ConfigureAwait(false);
            if (report?.Unit != attachment.Unit)
            {
                throw new CommandException(
                    ExitCodes.Refused,
                    $"the guard that runs does not know yet that {attachment.Service} runs as {attachment.Unit}, and would not stop it",
                    Restart);
            }
        }
        catch (GuardUnreachableException e)
        {
            throw new CommandException(ExitCodes.Unreachable, e.Message, "systemctl start clusterfs-guard");
        }
    }

    private static void RequireNotEnabled(string unit, UnitFacts facts)
    {
        if (facts.IsEnabled)
        {
            throw new CommandException(
                ExitCodes.Refused, $"{unit} is enabled, and nobody but the guard shall start it", $"systemctl disable {unit}");
        }
    }

    private static void RequireStopped(string unit, UnitFacts facts, string what)
    {
        if (!facts.IsOver)
        {
            throw new CommandException(ExitCodes.Refused, $"{unit} is running", $"systemctl stop {unit}, then {what} it");
        }
    }

    private static void RequireNothingStarts(UnitAttachment attachment)
    {
        var facts = Systemctl.Describe(attachment.Unit);
        RequireStopped(attachment.Unit, facts, "detach");
        var lease = Systemctl.Describe(UnitAttachment.LeaseUnitOf(attachment.Service));
        if (facts.HasJob || lease.HasJob || !lease.IsOver)
        {
            throw new CommandException(
                ExitCodes.Refused,
                $"a start or an end of {attachment.Unit} waits for its lease",
                $"systemctl stop {attachment.Unit} {UnitAttachment.LeaseUnitOf(attachment.Service)}, then detach it");
        }
    }
}
