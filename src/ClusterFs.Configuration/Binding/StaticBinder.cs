using System.Collections.Immutable;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.services.*.static</c>: what a service serves and never writes; and <c>clusterfs.static</c>.</summary>
internal static class StaticBinder
{
    public const string Name = "static";

    private const string PathKey = "path";

    private static readonly ImmutableDictionary<string, CacheKind> Caches = ImmutableDictionary.CreateRange(
        StringComparer.Ordinal, [KeyValuePair.Create("none", CacheKind.None), KeyValuePair.Create("local", CacheKind.Local)]);

    public static PublishingSettings BindPace(Section section)
    {
        var otherwise = PublishingSettings.Default;
        var every = section.Duration("poll-every", otherwise.PollEvery, min: TimeSpan.FromMilliseconds(100), max: TimeSpan.FromHours(1));
        var timeout = section.Duration("switch-timeout", otherwise.SwitchTimeout, min: TimeSpan.FromSeconds(1), max: TimeSpan.FromHours(1));
        section.Finish();
        return new PublishingSettings(every.Value, timeout.Value);
    }

    public static ImmutableArray<StaticSettings> Bind(Section section)
    {
        var contents = ImmutableArray.CreateBuilder<StaticSettings>();
        foreach (var (name, _) in section.Names)
        {
            var content = section.NamedChild(name);
            if (!Names.IsServiceName(name))
            {
                content.Wrong($"'{name}' cannot be the name of static content", Names.ExpectedForService);
            }

            if (content.Valid)
            {
                contents.Add(BindContent(content, name));
            }
        }

        section.Finish();
        return contents.ToImmutable();
    }

    /// <summary>Reports paths where something else is kept, or that two contents have on one node.</summary>
    public static void CheckPaths(
        Section section, ServiceSettings service, IEnumerable<ServiceSettings> all, ServicesBinder.Surroundings around)
    {
        foreach (var content in service.Static.Where(content => content.Path.Length > 0))
        {
            var place = section.NamedChild(content.Name);
            var others = all.Select(other => (Path: other.Live.Path, What: $"the live content of {other.Name}"))
                .Concat(all.SelectMany(other => (other.Logs?.Links ?? []).Select(link => (Path: link, What: $"a link of the logs of {other.Name}"))))
                .Concat(all.SelectMany(other => other.Seeded.Select(file => (file.Path, What: $"a seeded file of {other.Name}"))))
                .Concat(all
                    .Where(other => other.Nodes.Intersect(service.Nodes).Any())
                    .SelectMany(other => other.Static
                        .Where(its => string.CompareOrdinal($"{other.Name}/{its.Name}", $"{service.Name}/{content.Name}") < 0)
                        .Select(its => (its.Path, What: $"the static content {other.Name}/{its.Name}"))))
                .Append((Path: around.Shared.Path, What: "shared.path"))
                .Append((Path: around.Node.StateDirectory, What: "node.state-dir"))
                .Concat(around.Own);
            foreach (var (path, what) in others.Where(other => other.Path.Length > 0 && Paths.Overlap(content.Path, other.Path)))
            {
                place.Wrong($"{content.Path} overlaps {what}, {path}", "expected a path of its own, on a local disk");
            }
        }
    }

    private static StaticSettings BindContent(Section section, string name)
    {
        var path = Paths.Required(section, PathKey, "expected what is served, an absolute path on a local disk");
        if (path.Valid && Path.GetDirectoryName(path.Value) == "/")
        {
            section.Wrong(path.At, PathKey, 0, $"{path.Value} is of the whole machine", "expected a directory of the service's own, such as /var/www/wiki");
        }

        var cache = section.Choice("cache", CacheKind.None, Caches);
        var budget = section.Size("budget", min: 1L << 20, max: 1L << 50);
        if (budget is { Valid: true, Value: not null } && cache is { Valid: true, Value: not CacheKind.Local })
        {
            section.Wrong(budget.At, "budget", 0, "is of no use without cache = local", "leave it away, or say cache = local");
        }

        var keep = section.Integer("keep", StaticSettings.DefaultKeep, min: 2, max: 1000);
        section.Finish();
        return new StaticSettings(name, path.Value) { Cache = cache.Value, Budget = budget.Value, Keep = keep.Value };
    }
}
