using System.CommandLine;
using ClusterFs.Cli.Display;
using ClusterFs.Configuration;
using ClusterFs.Guard.Systemd;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs systemd</c>: what ties a unit of systemd to the lease of a service.</summary>
public static class SystemdCommand
{
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
        command.SetAction(parsed =>
        {
            var terminal = Terminal.Of(parsed);
            var settings = GlobalOptions.Load(parsed);
            var attachment = Of(parsed.GetRequiredValue(unit), LocalService.Require(settings, parsed.GetRequiredValue(service)));
            RequireSystemd();
            var isAttached = attachment.TryRead(out var text) && text == attachment.Text(Program);
            if (!isAttached)
            {
                RequireStopped(attachment.Unit, "attach");
                attachment.Write(Program);
                Systemctl.Reload();
            }

            terminal.Write(isAttached
                ? $"{attachment.Unit} is attached to {attachment.Service} already."
                : $"{attachment.Unit} starts only where this node holds the lease of {attachment.Service}: {attachment.Path}");
            terminal.Write(Systemctl.IsEnabled(attachment.Unit)
                ? $"It is enabled, and the guard starts it where it is owned: systemctl disable {attachment.Unit}"
                : "Do the same on the other nodes. It starts on one of them within seconds: clusterfs status");
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
            if (!attachment.TryRead(out _))
            {
                terminal.Write($"{attachment.Unit} is not attached.");
                return ExitCodes.Done;
            }

            if (!attachment.Exists())
            {
                throw new CommandException(ExitCodes.Refused, $"{attachment.Unit} is attached to another service than {attachment.Service}", $"see {attachment.Path}");
            }

            RequireStopped(attachment.Unit, "detach");
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

    private static void RequireStopped(string unit, string what)
    {
        if (!Systemctl.IsKnown(unit))
        {
            throw new CommandException(ExitCodes.Failed, $"systemd knows no {unit}", "install the service first");
        }

        if (Systemctl.IsActive(unit))
        {
            throw new CommandException(ExitCodes.Refused, $"{unit} is running", $"systemctl stop {unit}, then {what} it");
        }
    }
}
