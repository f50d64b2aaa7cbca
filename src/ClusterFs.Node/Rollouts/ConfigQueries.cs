using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Akka.Actor;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Node.Api;
using ClusterFs.Node.Cluster;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Rollouts;

/// <summary>Asks the nodes for their config files. Nothing waits for longer than it says.</summary>
internal sealed class ConfigQueries(ActorSystem system, Settings settings, ConfigKeeper keeper, TimeProvider time)
{
    private static readonly TimeSpan StatusPatience = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan WirePatience = TimeSpan.FromSeconds(2);

    private readonly ConfigNeighbours _neighbours = new(system, settings, time);

    /// <summary>How the config files are, by service, on all nodes.</summary>
    public async Task<ILookup<string, ConfigFileStatus>> TellAsync() =>
        (await AskAllAsync(new AskConfig(null, ConfigTask.Tell), StatusPatience).ConfigureAwait(false)).Nodes
            .SelectMany(node => node.Files).ToLookup(file => file.Service, file => file.File, StringComparer.Ordinal);

    public async Task<Answer<ConfigReport>> ReportAsync(string? service) =>
        Unknown(service) is { } unknown ? unknown : await AskAllAsync(new AskConfig(service, ConfigTask.Tell), StatusPatience).ConfigureAwait(false);

    public async Task<Answer<ConfigReport>> CompareAsync(string? service) => Unknown(service) is { } unknown
        ? unknown
        : await AskAllAsync(new AskConfig(service, ConfigTask.Compare), ConfigWork.Patience + WirePatience).ConfigureAwait(false);

    /// <summary>Has each service's roll-out begun on one of its nodes; this one, where it is one of them.</summary>
    public async Task<Answer<ConfigApplyReport>> ApplyAsync(string? service)
    {
        if (Unknown(service) is { } unknown)
        {
            return unknown;
        }

        var chosen = settings.Services.Values.Where(one => (service is null || one.Name == service) && !one.Config.IsEmpty);
        var reports = await Task.WhenAll(chosen.Select(one => ApplyAsync(one))).ConfigureAwait(false);
        return new ConfigApplyReport([.. reports.SelectMany(report => report.Files)]);
    }

    private async Task<ConfigApplyReport> ApplyAsync(ServiceSettings service)
    {
        if (service.Nodes.Contains(settings.Node.Name))
        {
            return await ConfigWork.ApplyAsync(settings, keeper, service.Name).ConfigureAwait(false);
        }

        var node = service.Nodes.FirstOrDefault(node => _neighbours.Find(node) is not null);
        var asked = new AskConfig(service.Name, ConfigTask.Apply);
        return node is not null && await AskAsync(node, asked, ConfigWork.Patience + WirePatience, ApiJson.Default.ConfigApplyReport).ConfigureAwait(false) is { } report
            ? report
            : ConfigWork.Failed(settings, service.Name, node is null ? "none of its nodes is in the cluster now" : $"{node} did not answer in time");
    }

    private async Task<ConfigReport> AskAllAsync(AskConfig asked, TimeSpan patience)
    {
        var nodes = settings.Cluster.Nodes.Keys.Where(name =>
            settings.Services.Values.Any(one => (asked.Service is null || one.Name == asked.Service) && !one.Config.IsEmpty && one.Nodes.Contains(name)));
        return new ConfigReport([.. await Task.WhenAll(nodes.Select(node => ReportAsync(node, asked, patience))).ConfigureAwait(false)]);
    }

    private async Task<ConfigNodeReport> ReportAsync(string node, AskConfig asked, TimeSpan patience) => node == settings.Node.Name
        ? await ConfigWork.ReportAsync(settings, keeper, asked).ConfigureAwait(false)
        : _neighbours.Find(node) is null ? ConfigPicture.Silent(settings, node, asked.Service, $"{node} is not in the cluster now")
        : await AskAsync(node, asked, patience, ApiJson.Default.ConfigNodeReport).ConfigureAwait(false)
            ?? ConfigPicture.Silent(settings, node, asked.Service, $"{node} did not answer in time");

    /// <returns>Null when there was no answer in time.</returns>
    private async Task<T?> AskAsync<T>(string node, AskConfig asked, TimeSpan patience, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return _neighbours.Find(node) is { } actor
                ? JsonSerializer.Deserialize((await actor.Ask<ConfigAnswered>(asked, patience).ConfigureAwait(false)).Report, type)
                : null;
        }
        catch (Exception silence) when (silence is AskTimeoutException or TaskCanceledException or JsonException)
        {
            return null;
        }
    }

    private Problem? Unknown(string? service) => service is null || settings.Services.ContainsKey(service)
        ? null
        : Problem.NoService(settings, service);
}
