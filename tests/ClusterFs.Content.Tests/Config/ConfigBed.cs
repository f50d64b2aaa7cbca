using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Content.Config;

namespace ClusterFs.Content.Tests.Config;

/// <summary>Nodes with one config file, each with a disk of its own, and shared storage with its source, in a scratch directory.</summary>
internal sealed class ConfigBed : IDisposable
{
    private readonly string[] _nodes;

    public ConfigBed(string? root = null, params string[] nodes)
    {
        _nodes = nodes.Length == 0 ? ["n1"] : nodes;
        Root = root ?? Directory.CreateTempSubdirectory("clusterfs-config-").FullName;
        Directory.CreateDirectory(Path.Combine(Shared, "clusterfs"));
        Directory.CreateDirectory(Path.Combine(Shared, "nginx"));
        foreach (var node in _nodes)
        {
            Directory.CreateDirectory(Path.Combine(Root, node, "etc"));
        }
    }

    public string Root { get; }

    public HashSet<string> Away { get; } = [];

    /// <summary>Called when a node decides what to do next.</summary>
    public Action<string>? Decides { get; set; }

    public LaterTime Time { get; } = new();

    public List<(ConfigNews News, string Words)> News { get; } = [];

    public string Shared => Path.Combine(Root, "shared");

    public string Source => Path.Combine(Shared, "nginx", "wiki.conf");

    public string Target(string node = "n1") => Path.Combine(Root, node, "etc", "main.conf");

    /// <summary>A line for every time that the reload was run on a node: what the program would have read.</summary>
    public string Reloads(string node = "n1") => Path.Combine(Root, node, "reloads");

    public string InUse(string node = "n1") => Path.Combine(Root, node, "state", "config", "wiki", "nginx", "current", "nginx");

    public void Write(string text) => File.WriteAllText(Source, text);

    public ConfigSettings Include(string node = "n1") => new("nginx", "nginx/wiki.conf", ConfigKind.Include, Target(node))
    {
        Check = "! grep -q wrong \"$CLUSTERFS_PATH\"",
        Reload = $"cat \"$CLUSTERFS_PATH\" >> '{Reloads(node)}' 2>/dev/null || echo nothing >> '{Reloads(node)}'",
    };

    public ConfigSettings Copy(string node = "n1") => Include(node) with { Kind = ConfigKind.Copy };

    public ConfigSettings Link(string node = "n1") => Include(node) with { Kind = ConfigKind.Link };

    /// <summary>A daemon that has just started.</summary>
    public ConfigFiles Start(string node = "n1", Func<ConfigSettings, ConfigSettings>? with = null, Action<string>? reached = null)
    {
        var settings = SettingsOf(node, (with ?? (file => file))(Include(node)));
        return new ConfigFiles(
            settings,
            settings.Services["wiki"],
            Time,
            () =>
            {
                Decides?.Invoke(node);
                return Away;
            },
            () => { }, (news, _, words) => News.Add((news, words)),
            TimeSpan.Zero,
            reached ?? (_ => { }));
    }

    public static void Tend(ConfigFiles files)
    {
        while (files.Tend(nudged: true, CancellationToken.None))
        {
            // A source that has just changed is looked at once more.
        }
    }

    /// <summary>Until nobody has anything to do.</summary>
    public static void TendAll(params ConfigFiles[] nodes)
    {
        for (var round = 0; round < 4 * nodes.Length; round++)
        {
            foreach (var node in nodes)
            {
                Tend(node);
            }
        }
    }

    public static ConfigState StateOf(ConfigFiles files) => Assert.Single(files.States);

    public static ConfigAsked Apply(ConfigFiles files)
    {
        ConfigAsked? asked = null;
        files.Apply(begun => asked = Assert.Single(begun), CancellationToken.None);
        return asked!;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    /// <summary>The time of the machine, and what was added to it.</summary>
    internal sealed class LaterTime : TimeProvider
    {
        private long _added;

        public void Pass(TimeSpan time) => _added += (long)(time.TotalSeconds * TimestampFrequency);

        public override long GetTimestamp() => base.GetTimestamp() + _added;
    }

    private Settings SettingsOf(string name, ConfigSettings file)
    {
        var nodes = _nodes.ToImmutableSortedDictionary(node => node, _ => "127.0.0.1", StringComparer.Ordinal);
        var service = new ServiceSettings(
            "wiki",
            [.. _nodes],
            new LiveSettings(Path.Combine(Root, "live"), CaptureKind.Auto, TimeSpan.FromSeconds(5), new RetentionSettings(0, 0, 0, 0, 0, 0)),
            null,
            null,
            new FailoverSettings(0, TimeSpan.FromSeconds(1)),
            TimeSpan.FromSeconds(1),
            OnLost.Kill) { Config = [file] };
        return new Settings(
            new NodeSettings(name, "127.0.0.1", Path.Combine(Root, name, "state"), Path.Combine(Root, name, "socket")),
            new ClusterSettings("test", 1, 2, 3, nodes, ["n1"]),
            new JournalSettings(JournalProvider.Sqlite, ""),
            new SharedSettings(Shared),
            new LeaseSettings(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)),
            null,
            ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("wiki", service)]));
    }
}
