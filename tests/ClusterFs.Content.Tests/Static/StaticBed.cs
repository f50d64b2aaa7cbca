using System.Collections.Concurrent;
using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Content.Static;

namespace ClusterFs.Content.Tests.Static;

/// <summary>Shared storage, a directory to be published, and nodes with a static content each, in a scratch directory.</summary>
internal sealed class StaticBed : IDisposable
{
    public const string Content = "www";

    public StaticBed(string? root = null, CacheKind cache = CacheKind.Local, int nodes = 1)
    {
        Root = root ?? Directory.CreateTempSubdirectory("clusterfs-static-").FullName;
        Directory.CreateDirectory(Path.Combine(Shared, "clusterfs"));
        Directory.CreateDirectory(Source);
        File.SetUnixFileMode(Source, (UnixFileMode)0x1ED);
        Nodes = [.. Enumerable.Range(1, nodes).Select(number => $"n{number}")];
        Settings = new StaticSettings(Content, "/of/a/node") { Cache = cache };
        foreach (var node in Nodes)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Served(node))!);
        }
    }

    public string Root { get; }

    public string Shared => Path.Combine(Root, "shared");

    public string Source => Path.Combine(Root, "source");

    public ImmutableArray<string> Nodes { get; }

    public StaticSettings Settings { get; set; }

    public TimeProvider Time { get; set; } = TimeProvider.System;

    public TimeSpan SwitchTimeout { get; set; } = TimeSpan.FromMinutes(1);

    public bool AsFiles => Settings.IsServedFromShared;

    public string Served(string node = "n1") => Path.Combine(Root, node, "www", "wiki");

    public string Place(string node = "n1") => Path.Combine(Root, node, "www", ".wiki.clusterfs");

    public void Write(string path, string text)
    {
        var file = Path.Combine(Source, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    public string Read(string path, string node = "n1") => File.ReadAllText(Path.Combine(Served(node), path));

    public StaticStore Store(Action<string>? reached = null) => new(new SharedSettings(Shared), "wiki", Content, TimeProvider.System, reached ?? (_ => { }));

    public PublishResult Publish(Action<string>? reached = null, string node = "n1") =>
        new StaticPublisher(Store(reached), node, Path.Combine(Root, node, "state")).Publish(Source, AsFiles, allowEmpty: false, null, CancellationToken.None);

    /// <summary>A daemon of a node that has just started; its threads have not.</summary>
    public StaticContent Start(IStaticSurroundings around, string node = "n1", Action<string>? reached = null)
    {
        var content = Settings with { Path = Served(node) };
        var service = new ServiceSettings(
            "wiki",
            Nodes,
            new LiveSettings(Path.Combine(Root, "live"), CaptureKind.Auto, TimeSpan.FromSeconds(5), new RetentionSettings(0, 0, 0, 0, 0, 0)),
            null,
            null,
            new FailoverSettings(0, TimeSpan.FromSeconds(1)),
            TimeSpan.FromSeconds(1),
            OnLost.Kill) { Static = [content] };
        var settings = new Settings(
            new NodeSettings(node, "127.0.0.1", Path.Combine(Root, node, "state"), Path.Combine(Root, node, "socket")),
            new ClusterSettings("test", 1, 2, 3, Nodes.ToImmutableSortedDictionary(name => name, _ => "127.0.0.1", StringComparer.Ordinal), [.. Nodes]),
            new JournalSettings(JournalProvider.Sqlite, ""),
            new SharedSettings(Shared),
            new LeaseSettings(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)),
            null,
            ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("wiki", service)]))
        {
            Static = new PublishingSettings(TimeSpan.FromMilliseconds(100), SwitchTimeout),
        };
        return new StaticContent(settings, service, content, Time, around, reached ?? (_ => { }));
    }

    /// <summary>A node alone in its cluster looks, and switches to what there is.</summary>
    public StaticContent Follow(Action<string>? reached = null)
    {
        var content = Start(new Cluster { Reachable = ["n1"] }, reached: reached);
        content.LookOnce(CancellationToken.None);
        content.SwitchIfReady();
        content.LookOnce(CancellationToken.None);
        return content;
    }

    public void Dispose()
    {
        foreach (var directory in Directory.EnumerateDirectories(Root, "*", SearchOption.AllDirectories))
        {
            File.SetUnixFileMode(directory, (UnixFileMode)0x1ED);
        }

        Directory.Delete(Root, recursive: true);
    }

    /// <summary>What nodes know of one another, without a network.</summary>
    internal sealed class Cluster : IStaticSurroundings
    {
        private readonly ConcurrentDictionary<string, NodeSighting> _sightings = new(StringComparer.Ordinal);

        public ImmutableHashSet<string>? Reachable { get; set; }

        public ConcurrentQueue<(StaticNews News, string Words)> News { get; } = [];

        public IReadOnlyDictionary<string, NodeSighting> SightingsOf(string service, string name) => _sightings;

        public void Tell(string service, string name, NodeSighting sighting) => _sightings[sighting.Node] = sighting;

        public void Log(StaticNews news, string service, string name, string words) => News.Enqueue((news, words));
    }
}
