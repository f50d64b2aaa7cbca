using System.Collections.Immutable;
using ClusterFs.Configuration;

namespace ClusterFs.Content.Logs.Links;

/// <summary>The links of all services that may run on this node, for the life of the process. Safe for use by several threads.</summary>
public sealed class LogKeeping : IDisposable
{
    /// <summary>The daemon listens when it can write its own log.</summary>
    private const int MostUnheard = 100;

    private readonly ImmutableDictionary<string, ImmutableArray<LogKeeper>> _keepers;
    private readonly List<(string Service, string Words)> _unheard = [];
    private Action<string, string>? _said;

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
                    .Select(link => new LogKeeper(settings, service, link, pace, time, words => Say(service.Name, words)))
                    .ToImmutableArray(),
                StringComparer.Ordinal);
    }

    /// <summary>A service, and what has changed about its logs. What was said before anybody listened is said to the first who does.</summary>
    public Action<string, string>? Said
    {
        get => _said;
        set
        {
            lock (_unheard)
            {
                _said = value;
                if (value is not null)
                {
                    _unheard.ForEach(one => value(one.Service, one.Words));
                    _unheard.Clear();
                }
            }
        }
    }

    /// <summary>Puts the links in their places and keeps them.</summary>
    public void Start()
    {
        foreach (var keeper in _keepers.Values.SelectMany(keepers => keepers))
        {
            keeper.Start();
        }
    }

    private void Say(string service, string words)
    {
        lock (_unheard)
        {
            if (_said is not null)
            {
                _said(service, words);
            }
            else if (_unheard.Count < MostUnheard)
            {
                _unheard.Add((service, words));
            }
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
