using System.Collections.Immutable;
using System.Text.Json;
using Akka.Actor;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Content.Static;
using ClusterFs.Node.Api;
using ClusterFs.Node.Cluster;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Static;

/// <summary>Asks the nodes for their static contents. Nothing waits for longer than it says.</summary>
internal sealed class StaticQueries(ActorSystem system, Settings settings, StaticKeeper keeper, TimeProvider time)
{
    private static readonly TimeSpan StatusPatience = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestWait = TimeSpan.FromHours(1);

    /// <summary>How the static contents are, by service, on all nodes.</summary>
    public async Task<ILookup<string, StaticStatus>> TellAsync()
    {
        var reports = await AskAllAsync(null).ConfigureAwait(false);
        return reports.SelectMany(report => report.Contents).ToLookup(one => one.Service, one => one.Content, StringComparer.Ordinal);
    }

    /// <summary>A generation was published: tells all nodes, and waits until those that can be reached serve it, or cannot.</summary>
    public async Task<Answer<StaticReport>> SwitchAsync(string service, string name, long generation, string? line, double? seconds, CancellationToken cancellation)
    {
        if (!settings.Services.TryGetValue(service, out var its) || its.Static.All(content => content.Name != name))
        {
            return Problem.Of(StatusCodes.Status404NotFound, $"there is no static content {service}/{name}", "is the daemon's configuration older than the command's?");
        }

        // Told in nobody's name: whoever publishes need not serve it.
        var news = new StaticSighted(service, name, StaticKeeper.Publisher, generation, 0, 0, 0, line ?? "");
        foreach (var member in Akka.Cluster.Cluster.Get(system).State.Members)
        {
            system.ActorSelection(new RootActorPath(member.Address) / "user" / StaticActor.Name).Tell(news);
        }

        var started = time.GetTimestamp();
        var patience = TimeSpan.FromSeconds(Math.Clamp(seconds ?? 60, 0, LongestWait.TotalSeconds));
        while (!cancellation.IsCancellationRequested && !IsDone(its, name, generation, line ?? "") && time.GetElapsedTime(started) < patience)
        {
            await Task.Delay(LookAgainAfter, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        var reports = await AskAllAsync(service).ConfigureAwait(false);
        return new StaticReport([.. reports.Select(report => report with { Contents = [.. report.Contents.Where(one => one.Content.Name == name)] })]);
    }

    /// <summary>By what the nodes said of themselves.</summary>
    private bool IsDone(ServiceSettings service, string name, long generation, string line)
    {
        if (keeper.Reachable is not { } reachable)
        {
            return false;
        }

        var sightings = keeper.SightingsOf(service.Name, name);
        return service.Nodes.Where(reachable.Contains).All(node =>
            sightings.GetValueOrDefault(node) is NodeSighting said && said.Line == line && (said.Current >= generation || said.Failed >= generation));
    }

    private async Task<IReadOnlyList<StaticNodeReport>> AskAllAsync(string? service) => await Task.WhenAll(settings.Cluster.Nodes.Keys
        .Where(node => settings.Services.Values.Any(one => (service is null || one.Name == service) && !one.Static.IsEmpty && one.Nodes.Contains(node)))
        .Select(node => AskAsync(node, service))).ConfigureAwait(false);

    private async Task<StaticNodeReport> AskAsync(string node, string? service)
    {
        if (node == settings.Node.Name)
        {
            return StaticPicture.Draw(settings, keeper, service);
        }

        var cluster = Akka.Cluster.Cluster.Get(system).State;
        var member = cluster.Members.LastOrDefault(member => ClusterConfiguration.NodeAt(settings, member.Address) == node);
        if (member is null || cluster.Unreachable.Contains(member))
        {
            return StaticPicture.Silent(settings, node, service, $"{node} is not in the cluster now; it switches when it is back");
        }

        try
        {
            var actor = system.ActorSelection(new RootActorPath(member.Address) / "user" / StaticActor.Name);
            var answer = await actor.Ask<StaticAnswered>(new AskStatic(service), StatusPatience).ConfigureAwait(false);
            return JsonSerializer.Deserialize(answer.Report, ApiJson.Default.StaticNodeReport)
                ?? StaticPicture.Silent(settings, node, service, $"{node} says nothing");
        }
        catch (Exception silence) when (silence is AskTimeoutException or TaskCanceledException or JsonException)
        {
            return StaticPicture.Silent(settings, node, service, $"{node} did not answer in time");
        }
    }
}
