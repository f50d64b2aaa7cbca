using System.CommandLine;
using System.Diagnostics;
using ClusterFs.Api;
using ClusterFs.Cli.Display;
using ClusterFs.Configuration;
using ClusterFs.Content.Static;

namespace ClusterFs.Cli;

/// <summary>The argument by which static content is named.</summary>
internal sealed class StaticTarget
{
    public Argument<string> Name { get; } = new("NAME") { Description = "SERVICE/NAME, or NAME where only one service has static content of that name." };

    /// <exception cref="CommandException">There is no such content, or several.</exception>
    public (ServiceSettings Service, StaticSettings Content) Read(ParseResult parsed, Settings settings)
    {
        var named = parsed.GetRequiredValue(Name);
        var all = settings.Services.Values.SelectMany(service => service.Static.Select(content => (Service: service, Content: content))).ToList();
        var found = all.Where(one => named == one.Content.Name || named == NameOf(one)).ToList();
        return found.Count switch
        {
            1 => found[0],
            0 => throw new CommandException(
                ExitCodes.Usage,
                $"there is no static content {named}",
                all.Count == 0
                    ? "none is configured: see services.SERVICE.static in the configuration"
                    : $"{Suggestion.For(named, [.. all.Select(NameOf), .. all.Select(one => one.Content.Name)])}configured are {string.Join(", ", all.Select(NameOf))}"),
            _ => throw new CommandException(ExitCodes.Usage, $"{named} may be {string.Join(" or ", found.Select(NameOf))}", "name the service too"),
        };
    }

    /// <summary>Tells all nodes of a new generation, waits until they serve it, and says how far they are.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<(int ExitCode, StaticReport? Report)> SwitchAsync(
        Terminal terminal, Settings settings, ServiceSettings service, StaticSettings content, Generation published, TimeSpan patience, CancellationToken cancellation)
    {
        var generation = published.Number;
        var waiting = Stopwatch.StartNew();
        using var client = new DaemonClient(settings.Node.Socket);
        try
        {
            var report = await terminal.WorkAsync(
                "Waiting for the nodes to switch",
                _ => client.SwitchStaticAsync(service.Name, content.Name, generation, published.Line, patience, cancellation)).ConfigureAwait(false);
            var behind = report.Nodes.Any(node => node.Problem is null && node.Contents.Any(one => one.Content.Generation < generation || one.Content.Newest < one.Content.Generation));
            return (!behind ? ExitCodes.Done : waiting.Elapsed >= patience ? ExitCodes.TimedOut : ExitCodes.Failed, report);
        }
        catch (DaemonException problem) when (problem.ExitCode == DaemonException.Unreachable)
        {
            terminal.Say($"No daemon runs here: the nodes notice it by themselves, within {Durations.Show(settings.Static.PollEvery)} where their daemons run.");
            return (ExitCodes.Done, null);
        }
        catch (Exception problem) when (problem is OperationCanceledException or DaemonException)
        {
            terminal.Say($"Generation {Humane.Number(generation)} is published, and the nodes go on switching to it: see 'clusterfs status'.");
            throw;
        }
    }

    public static void Write(Terminal terminal, StaticReport report)
    {
        foreach (var (node, one) in report.Nodes.SelectMany(node => node.Contents.Select(one => (node, one.Content))))
        {
            terminal.Write(node.Problem is { } problem ? $"{node.Node}: {problem}"
                : one.State == StaticContentState.Current ? $"{one.Node}: serves generation {one.Generation}"
                : $"{one.Node}: {one.State.ToString().ToLowerInvariant()}: serves generation {one.Generation}; {one.Reason}");
        }
    }

    public static StaticStore Open(Settings settings, ServiceSettings service, StaticSettings content) =>
        new(settings.Shared, service.Name, content.Name, TimeProvider.System);

    private static string NameOf((ServiceSettings Service, StaticSettings Content) one) => $"{one.Service.Name}/{one.Content.Name}";
}
