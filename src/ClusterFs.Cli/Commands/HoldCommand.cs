using System.CommandLine;
using ClusterFs.Configuration;
using ClusterFs.Guard.Beside;

namespace ClusterFs.Cli.Commands;

/// <summary><c>clusterfs hold</c>.</summary>
public static class HoldCommand
{
    public static Command Create()
    {
        var service = CommandArguments.Service();
        var noWait = new Option<bool>("--no-wait")
        {
            Description = "End with code 3, and say why, when another node owns the service or nobody shall. Else wait as a candidate.",
        };
        var command = new Command(
            "hold", "Own a service that someone else starts, such as systemd: says ready (Type=notify) when it may be started, and ends with it.")
        {
            service, noWait,
        };
        command.SetAction(async (parsed, _) =>
        {
            var settings = LoadAsGuardDid(parsed);
            var held = LocalService.Require(settings, parsed.GetRequiredValue(service));
            using var session = new HoldSession(
                new HoldOptions(settings.Node.GuardSocket, held.Name)
                {
                    FindRefusal = parsed.GetValue(noWait) ? new HoldRefusal(settings, held.Name, TimeProvider.System).FindAsync : null,
                },
                parsed.InvocationConfiguration.Error);
            return await session.RunAsync().ConfigureAwait(false);
        });
        return command;
    }

    /// <summary>A mistake that somebody has just made in the shared files stops no service from going on elsewhere: guard and daemon run on well, too.</summary>
    private static Settings LoadAsGuardDid(ParseResult parsed)
    {
        try
        {
            return GlobalOptions.Load(parsed);
        }
        catch (ConfigurationException e)
        {
            try
            {
                var settings = GlobalOptions.Load(parsed, new LoadOptions { PreferCopies = true });
                parsed.InvocationConfiguration.Error.WriteLine($"warning: the configuration before is used: {e.Message.ReplaceLineEndings(" ")}");
                return settings;
            }
            catch (ConfigurationException)
            {
                throw e;
            }
        }
    }
}
