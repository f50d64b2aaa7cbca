using System.CommandLine;
using ClusterFs.Configuration;

namespace ClusterFs.Cli;

/// <summary>The argument by which config files are named.</summary>
internal sealed class ConfigPlace
{
    public Argument<string?> Service { get; } = new("SERVICE") { Description = "Only this service; all of them without it.", Arity = ArgumentArity.ZeroOrOne };

    /// <exception cref="ConfigurationException">There is no such service.</exception>
    /// <exception cref="CommandException">It has no config file.</exception>
    public string? Read(ParseResult parsed, Settings settings)
    {
        var service = parsed.GetValue(Service);
        if (service is not null && settings.RequireService(service).Config.IsEmpty)
        {
            throw new CommandException(ExitCodes.Usage, $"{service} has no config files", $"see services.{service}.config in the configuration");
        }

        return service;
    }
}
