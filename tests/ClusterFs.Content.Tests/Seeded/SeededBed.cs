using System.Collections.Immutable;
using System.Globalization;
using ClusterFs.Configuration;
using ClusterFs.Content.Seeded;

namespace ClusterFs.Content.Tests.Seeded;

/// <summary>A node with one seeded file, and shared storage with its template, in a scratch directory.</summary>
internal sealed class SeededBed : IDisposable
{
    public SeededBed(string? root = null)
    {
        Root = root ?? Directory.CreateTempSubdirectory("clusterfs-seeded-").FullName;
        Directory.CreateDirectory(Path.Combine(Shared, "clusterfs"));
        Directory.CreateDirectory(Path.Combine(Shared, "wiki"));
        Directory.CreateDirectory(Path.GetDirectoryName(Target)!);
    }

    public string Root { get; }

    public string Shared => Path.Combine(Root, "shared");

    public string Template => Path.Combine(Shared, "wiki", "site.conf.in");

    public string Target => Path.Combine(Root, "etc", "site.conf");

    /// <summary>A line for every time that the reload was run.</summary>
    public string Reloads => Path.Combine(Root, "reloads");

    public int ReloadCount => File.Exists(Reloads) ? File.ReadAllLines(Reloads).Length : 0;

    public List<(SeededNews News, string File, string Words)> News { get; } = [];

    public string Kept(int number) => Path.Combine(Root, "etc", ".site.conf.clusterfs", $"site.conf.edited-{number.ToString(CultureInfo.InvariantCulture)}");

    public void Write(string text) => File.WriteAllText(Template, text);

    public SeededSettings SeededFile => new(Target, "wiki/site.conf.in") { Reload = $"echo reloaded >> '{Reloads}'" };

    /// <summary>A daemon that has just started.</summary>
    public SeededFiles Start(
        Func<SeededSettings, SeededSettings>? with = null,
        Dictionary<string, string>? variables = null,
        Action<string>? reached = null,
        TimeProvider? time = null,
        TimeSpan quiet = default) =>
        StartAll([(with ?? (file => file))(SeededFile)], variables, reached, time: time, quiet: quiet);

    public SeededFiles StartAll(
        ImmutableArray<SeededSettings> files,
        Dictionary<string, string>? variables = null,
        Action<string>? reached = null,
        Dictionary<string, Dictionary<string, string>>? nodes = null,
        TimeProvider? time = null,
        TimeSpan quiet = default) => new(
        SettingsOf(files, variables, nodes), time ?? TimeProvider.System, (news, _, file, words) => News.Add((news, file, words)), quiet, reached ?? (_ => { }));

    /// <summary>Looks as often as it takes to see a change.</summary>
    public static void Render(SeededFiles files)
    {
        while (files.RenderDue(CancellationToken.None))
        {
            // A template that has just changed is looked at once more.
        }
    }

    public static SeededState StateOf(SeededFiles files) => Assert.Single(files.States);

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private Settings SettingsOf(
        ImmutableArray<SeededSettings> files, Dictionary<string, string>? variables, Dictionary<string, Dictionary<string, string>>? overrides)
    {
        var nodes = ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("n1", "127.0.0.1")]);
        var service = new ServiceSettings(
            "wiki",
            ["n1"],
            new LiveSettings(Path.Combine(Root, "live"), CaptureKind.Auto, TimeSpan.FromSeconds(5), new RetentionSettings(0, 0, 0, 0, 0, 0)),
            null,
            null,
            new FailoverSettings(0, TimeSpan.FromSeconds(1)),
            TimeSpan.FromSeconds(1),
            OnLost.Kill) { Seeded = files };
        return new Settings(
            new NodeSettings("n1", "127.0.0.1", Path.Combine(Root, "state"), Path.Combine(Root, "socket")),
            new ClusterSettings("test", 1, 2, 3, nodes, ["n1"]),
            new JournalSettings(JournalProvider.Sqlite, ""),
            new SharedSettings(Shared),
            new LeaseSettings(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)),
            null,
            ImmutableSortedDictionary.CreateRange(StringComparer.Ordinal, [KeyValuePair.Create("wiki", service)]))
        {
            Seeded = SeedingSettings.None with
            {
                Variables = (variables ?? []).ToImmutableSortedDictionary(StringComparer.Ordinal),
                Nodes = (overrides ?? []).ToImmutableSortedDictionary(
                    node => node.Key, node => node.Value.ToImmutableSortedDictionary(StringComparer.Ordinal), StringComparer.Ordinal),
            },
        };
    }
}
