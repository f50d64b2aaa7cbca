using System.Collections.Immutable;
using ClusterFs.Configuration;

namespace ClusterFs.Content.Logs.Links;

/// <summary>The links of all services that may run on this node, for the life of the process. Safe for use by several threads.</summary>
public sealed class LogKeeping : IDisposable
{
    private readonly ImmutableDictionary<string, ImmutableArray<LogKeeper>> _keepers;

    public LogKeeping(Settings settings, TimeProvider time)
        : this(settings, time, LogKeeperPace.Usual)
    {
    }

    internal LogKeeping(Settings settings, TimeProvider time, LogKeeperPace pace)
    {
        _keepers = settings.Services.Values
            .Where(service => service.Logs is not null && service.Nodes.Contains(settings.Node.Name))
            .ToImmutableDictionary(
                service => service.Name,
                service => service.Logs!.Links
                    .Select(link => new LogKeeper(settings, service, link, pace, time, words => Said?.Invoke(service.Name, words)))
                    .ToImmutableArray(),
                StringComparer.Ordinal);
    }

    /// <summary>A service, and what has changed about its logs.</summary>
    public Action<string, string>? Said { get; set; }

    /// <summary>Puts the links in their places and keeps them.</summary>
    public void Start()
    {
        foreach (var keeper in _keepers.Values.SelectMany(keepers => keepers))
        {
            keeper.Start();
        }
    }

    /// <summary>How the links of a service are doing; empty where this node has none.</summary>
    public ImmutableArray<LogLinkState> Of(string service) =>
        _keepers.TryGetValue(service, out var keepers) ? [.. keepers.Select(keeper => keeper.State)] : [];

    public void Dispose()
    {
        foreach (var keeper in _keepers.Values.SelectMany(keepers => keepers))
        {
            keeper.Dispose();
        }
    }
}
