using System.CommandLine;
using ClusterFs.Guard.Beside;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs hold</c>.</summary>
public static class HoldCommand
{
    public static Command Create()
    {
        var service = CommandArguments.Service();
        var command = new Command(
            "hold", "Own a service that someone else starts, such as systemd: says ready (Type=notify) when it may be started, and ends with it.")
        {
            service,
        };
        command.SetAction(async (parsed, _) =>
        {
            var settings = GlobalOptions.Load(parsed);
            var held = LocalService.Require(settings, parsed.GetRequiredValue(service));
            using var session = new HoldSession(
                new HoldOptions(settings.Node.GuardSocket, held.Name, held.Unit, held.PidFile), parsed.InvocationConfiguration.Error);
            return await session.RunAsync().ConfigureAwait(false);
        });
        return command;
    }
}
