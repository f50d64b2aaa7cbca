using System.Collections.Immutable;
using System.Text.Json;
using Akka.Actor;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Node.Api;
using ClusterFs.Node.Cluster;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Seeded;

/// <summary>Asks the nodes for their seeded files. Nothing waits for longer than it says.</summary>
internal sealed class SeededQueries(ActorSystem system, Settings settings, SeededKeeper keeper)
{
    private static readonly TimeSpan StatusPatience = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan WirePatience = TimeSpan.FromSeconds(2);

    /// <summary>How the seeded files are, by service, on all nodes.</summary>
    public async Task<ILookup<string, SeededFileStatus>> TellAsync()
    {
        var reports = settings.Services.Values.All(service => service.Seeded.IsEmpty)
            ? []
            : await Task.WhenAll(NodesOf(null, null).Select(node => AskAsync(node, new AskSeeded(null, SeededTask.Tell), StatusPatience))).ConfigureAwait(false);
        return reports.SelectMany(report => report.Files).ToLookup(file => file.Service, file => file.File, StringComparer.Ordinal);
    }

    public async Task<Answer<SeededReport>> CompareAsync(string? service, string? node)
    {
        if (Unknown(service, node) is { } unknown)
        {
            return unknown;
        }

        var asked = new AskSeeded(service, SeededTask.Compare);
        var patience = SeededWork.PatienceFor(settings, asked) + WirePatience;
        return new SeededReport([.. await Task.WhenAll(NodesOf(service, node).Select(one => AskAsync(one, asked, patience))).ConfigureAwait(false)]);
    }

    /// <summary>One node after the other, up to the first on which something is wrong: it is to be seen before it is everywhere.</summary>
    /// <param name="cancellation">No further node is begun.</param>
    public async Task<Answer<SeededReport>> RenderAsync(string? service, string? node, CancellationToken cancellation)
    {
        if (Unknown(service, node) is { } unknown)
        {
            return unknown;
        }

        var asked = new AskSeeded(service, SeededTask.Render);
        var patience = SeededWork.PatienceFor(settings, asked) + WirePatience;
        return new SeededReport(await InTurnAsync(
            NodesOf(service, node),
            one => AskAsync(one, asked, patience),
            (one, problem) => SeededPicture.Silent(settings, one, service, problem),
            cancellation).ConfigureAwait(false));
    }

    /// <summary>Asks one after the other; the nodes after one with a problem are not begun, and say so.</summary>
    internal static async Task<ImmutableArray<SeededNodeReport>> InTurnAsync(
        IEnumerable<string> nodes,
        Func<string, Task<SeededNodeReport>> ask,
        Func<string, string, SeededNodeReport> silent,
        CancellationToken cancellation)
    {
        var reports = ImmutableArray.CreateBuilder<SeededNodeReport>();
        string? stopped = null;
        foreach (var node in nodes)
        {
            stopped ??= cancellation.IsCancellationRequested ? "whoever asked has gone" : null;
            var report = stopped is null ? await ask(node).ConfigureAwait(false) : silent(node, $"not begun, because {stopped}");
            reports.Add(report);
            if (report.Problem is not null || report.Files.Any(file => file.Failed))
            {
                stopped ??= $"{node} has a problem; mend it, or name a node with --node";
            }
        }

        return reports.ToImmutable();
    }

    private IEnumerable<string> NodesOf(string? service, string? node) => settings.Cluster.Nodes.Keys.Where(name =>
        (node is null || name == node)
        && settings.Services.Values.Any(one => (service is null || one.Name == service) && !one.Seeded.IsEmpty && one.Nodes.Contains(name)));

    private async Task<SeededNodeReport> AskAsync(string node, AskSeeded asked, TimeSpan patience)
    {
        if (node == settings.Node.Name)
        {
            return await SeededWork.DoAsync(settings, keeper, asked).ConfigureAwait(false);
        }

        var cluster = Akka.Cluster.Cluster.Get(system).State;
        var member = cluster.Members.LastOrDefault(member => ClusterConfiguration.NodeAt(settings, member.Address) == node);
        if (member is null || cluster.Unreachable.Contains(member))
        {
            return SeededPicture.Silent(settings, node, asked.Service, $"{node} is not in the cluster now");
        }

        try
        {
            var actor = system.ActorSelection(new RootActorPath(member.Address) / "user" / SeededActor.Name);
            var answer = await actor.Ask<SeededAnswered>(asked, patience).ConfigureAwait(false);
            return JsonSerializer.Deserialize(answer.Report, ApiJson.Default.SeededNodeReport)
                ?? SeededPicture.Silent(settings, node, asked.Service, $"{node} says nothing");
        }
        catch (Exception silence) when (silence is AskTimeoutException or TaskCanceledException or JsonException)
        {
            return SeededPicture.Silent(settings, node, asked.Service, $"{node} did not answer in time");
        }
    }

    private Problem? Unknown(string? service, string? node)
    {
        if (service is not null && !settings.Services.ContainsKey(service))
        {
            return Problem.NoService(settings, service);
        }

        return node is null || settings.Cluster.Nodes.ContainsKey(node)
            ? null
            : Problem.Of(StatusCodes.Status404NotFound, $"there is no node {node}", $"the nodes are {string.Join(", ", settings.Cluster.Nodes.Keys)}");
    }
}
