using System.CommandLine;
using ClusterFs.Api;
using ClusterFs.Cli.Display;
using ClusterFs.Configuration;

namespace ClusterFs.Cli;

/// <summary>Arguments by which seeded files are named.</summary>
internal sealed class SeededPlace
{
    public Argument<string?> Service { get; } = new("SERVICE") { Description = "Only this service; all of them without it.", Arity = ArgumentArity.ZeroOrOne };

    public Option<string> Node { get; } = new("--node") { Description = "Only on this node; on all of them without it.", HelpName = "NODE" };

    /// <exception cref="ConfigurationException">There is no such service, or it has no seeded file.</exception>
    /// <exception cref="CommandException">There is no such node.</exception>
    public (string? Service, string? Node) Read(ParseResult parsed, Settings settings)
    {
        var service = parsed.GetValue(Service);
        if (service is not null && settings.RequireService(service).Seeded.IsEmpty)
        {
            throw new CommandException(ExitCodes.Usage, $"{service} has no seeded files", $"see services.{service}.seeded in the configuration");
        }

        var node = parsed.GetValue(Node);
        if (node is not null && !settings.Cluster.Nodes.ContainsKey(node))
        {
            throw new CommandException(
                ExitCodes.Usage,
                $"there is no node {node}",
                $"{Suggestion.For(node, settings.Cluster.Nodes.Keys)}the nodes are {string.Join(", ", settings.Cluster.Nodes.Keys)}");
        }

        return (service, node);
    }

    /// <summary>Shows what the nodes answered, as JSON where that is asked for, and who has not.</summary>
    /// <param name="write">Says what those have answered that did.</param>
    /// <returns>The exit code.</returns>
    public static int Show(ParseResult parsed, Terminal terminal, SeededReport report, Action<IEnumerable<SeededNodeReport>> write)
    {
        if (parsed.GetValue(GlobalOptions.Json))
        {
            terminal.WriteJson(report, ApiJson.Default.SeededReport);
        }
        else
        {
            foreach (var node in report.Nodes.Where(node => node.Problem is not null))
            {
                terminal.Say($"{node.Node}: {node.Problem}");
            }

            if (report.Nodes.IsEmpty)
            {
                terminal.Say("No seeded file is configured there.");
            }

            write(report.Nodes.Where(node => node.Problem is null));
        }

        return report.Nodes.Any(node => node.Problem is not null || node.Files.Any(file => file.Failed)) ? ExitCodes.Failed : ExitCodes.Done;
    }
}
