using System.Collections.Concurrent;
using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Content.Static;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Static;

/// <summary>
/// The static contents of this node, and what all nodes have said of theirs, for the life of the process. Safe to use from several threads; nothing here
/// waits for shared storage.
/// </summary>
internal sealed class StaticKeeper : IStaticSurroundings, IDisposable
{
    /// <summary>Who says that something was published: no node, whose names are never empty.</summary>
    public const string Publisher = "";

    private readonly ConcurrentDictionary<(string Service, string Name), ImmutableDictionary<string, NodeSighting>> _sightings = new();
    private volatile ILogger? _logger;
    private volatile Func<ImmutableHashSet<string>?>? _reachable;
    private volatile Action<StaticSighted>? _told;
    private int _begun;

    public StaticKeeper(Settings settings, TimeProvider time) => Contents =
    [
        .. settings.Services.Values
            .Where(service => service.Nodes.Contains(settings.Node.Name))
            .SelectMany(service => service.Static.Select(content => new StaticContent(settings, service, content, time, this))),
    ];

    public ImmutableArray<StaticContent> Contents { get; }

    public ImmutableHashSet<string>? Reachable => _reachable?.Invoke();

    /// <summary>What this node has to say now.</summary>
    public IEnumerable<StaticSighted> Sightings => Contents.Select(content => ToMessage(content.Service, content.Name, content.Sighting));

    /// <summary>Begins, unless it has begun before.</summary>
    public void Begin(ILogger logger)
    {
        _logger = logger;
        if (Interlocked.Exchange(ref _begun, 1) == 0)
        {
            foreach (var content in Contents)
            {
                content.Start();
            }
        }
    }

    /// <summary>Waits until what other nodes serve is served here too; no longer than it says, so that storage that hangs keeps nothing from starting.</summary>
    public async Task CatchUpAsync(TimeSpan patience, CancellationToken cancellation)
    {
        try
        {
            await Task.WhenAll(Contents.Select(content => content.CaughtUp)).WaitAsync(patience, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            foreach (var content in Contents.Where(content => !content.CaughtUp.IsCompleted))
            {
                _logger?.StaticFailed(content.Service, content.Name, "what other nodes serve could not be had in time; the daemon starts without it");
            }
        }
    }

    /// <summary>This node has joined the cluster, or left it.</summary>
    /// <param name="told">Gets what this node has to say; null: nobody listens.</param>
    public void Connect(Func<ImmutableHashSet<string>?>? reachable, Action<StaticSighted>? told) => (_reachable, _told) = (reachable, told);

    /// <summary>A node has said something.</summary>
    public void Hear(StaticSighted heard)
    {
        _sightings.AddOrUpdate(
            (heard.Service, heard.Name),
            _ => ImmutableDictionary.Create<string, NodeSighting>(StringComparer.Ordinal).SetItem(heard.Node, ToSighting(heard)),
            (_, known) => known.SetItem(heard.Node, ToSighting(heard)));
        foreach (var content in Contents.Where(content => content.Service == heard.Service && content.Name == heard.Name))
        {
            if (heard.Head > 0 && content.Sighting is var own && (heard.Line != own.Line || heard.Head > own.Head))
            {
                content.LookNow();
            }

            content.DecideNow();
        }
    }

    public IReadOnlyDictionary<string, NodeSighting> SightingsOf(string service, string name) =>
        _sightings.GetValueOrDefault((service, name)) ?? ImmutableDictionary<string, NodeSighting>.Empty;

    public void Tell(string service, string name, NodeSighting sighting)
    {
        var said = ToMessage(service, name, sighting);
        _sightings.AddOrUpdate(
            (service, name),
            _ => ImmutableDictionary.Create<string, NodeSighting>(StringComparer.Ordinal).SetItem(sighting.Node, sighting),
            (_, known) => known.SetItem(sighting.Node, sighting));
        _told?.Invoke(said);
    }

    public void Log(StaticNews news, string service, string name, string words)
    {
        if (news == StaticNews.Failed)
        {
            _logger?.StaticFailed(service, name, words);
        }
        else
        {
            _logger?.StaticChanged(service, name, words);
        }
    }

    public void Dispose()
    {
        foreach (var content in Contents)
        {
            content.Dispose();
        }
    }

    private static StaticSighted ToMessage(string service, string name, NodeSighting sighting) =>
        new(service, name, sighting.Node, sighting.Head, sighting.Prepared, sighting.Current, sighting.Failed, sighting.Line);

    private static NodeSighting ToSighting(StaticSighted heard) => new(heard.Node, heard.Head, heard.Prepared, heard.Current, heard.Failed, heard.Line);
}
