using System.Collections.Immutable;
using ClusterFs.Configuration.Hocon;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.services</c>.</summary>
internal static class ServicesBinder
{
    private static readonly ImmutableDictionary<string, StandbyKind> Standbys = ImmutableDictionary.CreateRange(
        StringComparer.Ordinal, [KeyValuePair.Create("warm", StandbyKind.Warm), KeyValuePair.Create("none", StandbyKind.None)]);

    private static readonly ImmutableDictionary<string, BlockKeeping> BlockKeepings = ImmutableDictionary.CreateRange(
        StringComparer.Ordinal, [KeyValuePair.Create("auto", BlockKeeping.Auto), KeyValuePair.Create("off", BlockKeeping.Off)]);

    private static readonly ImmutableDictionary<string, OnLost> Losses = ImmutableDictionary.CreateRange(
        StringComparer.Ordinal,
        [KeyValuePair.Create("kill", OnLost.Kill), KeyValuePair.Create("freeze", OnLost.Freeze), KeyValuePair.Create("reboot", OnLost.Reboot)]);

    /// <summary>What services are checked against.</summary>
    internal sealed record Surroundings(
        NodeSettings Node,
        ClusterSettings Cluster,
        SharedSettings Shared,
        ImmutableArray<(string Path, string What)> Own,
        LoadOptions Options,
        BindingContext Context);

    public static ImmutableSortedDictionary<string, ServiceSettings> Bind(Section section, Surroundings around)
    {
        var services = ImmutableSortedDictionary.CreateBuilder<string, ServiceSettings>(StringComparer.Ordinal);
        var paths = new List<(string Service, Bound<string> Path)>();
        var links = new List<(string Service, Bound<string> Link)>();
        foreach (var (name, _) in section.Names)
        {
            var service = section.NamedChild(name);
            if (!Names.IsServiceName(name))
            {
                service.Wrong($"'{name}' cannot be the name of a service", Names.ExpectedForService);
            }

            if (service.Valid)
            {
                services[name] = BindService(service, name, around, paths, links);
            }
        }

        foreach (var (name, service) in services)
        {
            SeededBinder.CheckPlaces(section.NamedChild(name).Child(SeededBinder.Name), service, services.Values, around);
            ConfigBinder.CheckPlaces(section.NamedChild(name).Child(ConfigBinder.Name), service, services.Values, around);
            StaticBinder.CheckPaths(section.NamedChild(name).Child(StaticBinder.Name), service, services.Values, around);
        }

        foreach (var service in CompanyBinder.Check(section, services.ToImmutable()).ToList())
        {
            services[service.Name] = service;
        }

        AddressBinder.Check(section, [.. services.Values], around.Cluster);
        if (section.Valid && services.Count == 0)
        {
            around.Context.Warn(section.At, "no service is configured; add clusterfs.services.NAME { live.path = … }");
        }

        LogsBinder.CheckLinks(section, links, paths, around);
        section.Finish();
        return services.ToImmutable();
    }

    private static ServiceSettings BindService(
        Section section,
        string name,
        Surroundings around,
        List<(string Service, Bound<string> Path)> paths,
        List<(string Service, Bound<string> Link)> links)
    {
        var nodes = BindNodes(section, around.Cluster);
        var live = section.Child("live");
        var path = Paths.Required(live, "path", "expected the directory of the live content, an absolute path on a local disk");
        if (path.Valid)
        {
            CheckLivePath(live, name, nodes, path, around, paths);
        }

        var capture = CaptureBinder.Bind(live);
        var every = live.Duration(
            "dump-every", TimeSpan.FromSeconds(5), min: TimeSpan.FromMilliseconds(100), max: TimeSpan.FromHours(24));
        var standby = live.Choice("standby", StandbyKind.Warm, Standbys);
        var keepBlocks = live.Choice("keep-blocks", BlockKeeping.Auto, BlockKeepings);
        var rehearsal = BindRehearsal(live.Child("rehearsal"));
        var retention = BindRetention(live.Child("retention"));
        live.Finish();

        var unit = section.Text("unit");
        if (unit is { Valid: true, Value: not null } && !unit.Value.EndsWith(".service", StringComparison.Ordinal))
        {
            section.Wrong(unit.At, "unit", "", $"'{unit.Value}' is no service of systemd", $"did you mean '{unit.Value}.service'?");
        }

        var pidFile = Paths.Optional(section, "pid-file", "");
        var stop = section.Duration(
            "stop-timeout", TimeSpan.FromSeconds(10), min: TimeSpan.FromMilliseconds(100), max: TimeSpan.FromHours(1));
        var onLost = section.Choice("on-lost", OnLost.Kill, Losses);
        if (onLost is { Valid: true, Value: OnLost.Freeze } && (unit.Value is not null || pidFile.Value.Length > 0))
        {
            section.Wrong(
                onLost.At, "on-lost", "", "only what 'clusterfs run' starts can be frozen", "expected kill, or neither unit nor pid-file");
        }

        var failover = BindFailover(section.Child("failover"));
        var failback = FailbackBinder.Bind(section);
        var dependsOn = CompanyBinder.Bind(section, CompanyBinder.DependsOn);
        var keptWith = CompanyBinder.Bind(section, CompanyBinder.With);
        var addresses = AddressBinder.Bind(section);
        var notify = NotifyBinder.Bind(section.Child(NotifyBinder.Name), ofService: true);
        var logs = LogsBinder.Bind(section.Child("logs"), name, links);
        var seeded = SeededBinder.Bind(section.Child(SeededBinder.Name));
        var config = ConfigBinder.Bind(section.Child(ConfigBinder.Name));
        var statics = StaticBinder.Bind(section.Child(StaticBinder.Name));
        section.Finish();
        return new ServiceSettings(
            name,
            nodes,
            new LiveSettings(path.Value, capture.Kind, every.Value, retention)
            {
                Hooks = capture.Hooks,
                Command = capture.Command,
                Standby = standby.Value,
                KeepBlocks = keepBlocks.Value,
                Rehearsal = rehearsal,
            },
            unit.Value,
            pidFile.Value.Length == 0 ? null : pidFile.Value,
            failover,
            stop.Value,
            onLost.Value)
        {
            Failback = failback,
            DependsOn = dependsOn,
            With = keptWith,
            Addresses = addresses,
            Notify = notify,
            Logs = logs,
            Seeded = seeded,
            Config = config,
            Static = statics,
        };
    }

    private static RehearsalSettings BindRehearsal(Section section)
    {
        var otherwise = RehearsalSettings.Default;
        var every = section.DurationOrOff("every", otherwise.Every, min: TimeSpan.FromSeconds(10), max: TimeSpan.FromDays(365));
        var check = section.Text("check");
        if (check is { Valid: true, Value: not null } && check.Value.Trim().Length == 0)
        {
            section.Wrong(check.At, "check", "", "is empty", "expected a command that ends with 0 when $CLUSTERFS_RESTORED is right, or no check");
        }

        var timeout = section.Duration("check-timeout", otherwise.CheckTimeout, min: TimeSpan.FromSeconds(1), max: TimeSpan.FromDays(1));
        section.Finish();
        return new RehearsalSettings(every.Value, check.Value, timeout.Value);
    }

    private static RetentionSettings BindRetention(Section section)
    {
        const int max = 100_000;
        var retention = new RetentionSettings(
            section.Integer("keep-last", 60, min: 0, max).Value,
            section.Integer("keep-hourly", 24, min: 0, max).Value,
            section.Integer("keep-daily", 14, min: 0, max).Value,
            section.Integer("keep-weekly", 8, min: 0, max).Value,
            section.Integer("keep-monthly", 12, min: 0, max).Value,
            section.Integer("keep-yearly", 0, min: 0, max).Value);
        section.Finish();
        return retention;
    }

    private static FailoverSettings BindFailover(Section section)
    {
        var max = section.Integer("max", 5, min: 0, max: 100);
        var stable = section.Duration("stable-after", TimeSpan.FromMinutes(10), min: TimeSpan.FromSeconds(1), max: TimeSpan.FromDays(7));
        section.Finish();
        return new FailoverSettings(max.Value, stable.Value);
    }

    private static ImmutableArray<string> BindNodes(Section section, ClusterSettings cluster)
    {
        var written = section.Texts("nodes");
        if (written.Value is not { } nodes)
        {
            return [.. cluster.Nodes.Keys];
        }

        if (nodes.IsEmpty)
        {
            section.Wrong(written.At, "nodes", 0, "is empty", "expected names of nodes; leave it out for all nodes");
        }

        var all = cluster.Nodes.Keys.ToImmutableSortedSet(StringComparer.Ordinal);
        Names.CheckNodes(section, "nodes", nodes, "node", all.IsEmpty ? null : all);
        return [.. nodes.Select(node => node.Value)];
    }

    private static void CheckLivePath(
        Section live,
        string service,
        ImmutableArray<string> nodes,
        Bound<string> path,
        Surroundings around,
        List<(string Service, Bound<string> Path)> paths)
    {
        foreach (var (other, otherPath) in paths.Where(other => Paths.Overlap(path.Value, other.Path.Value)))
        {
            var problem = path.Value == otherPath.Value
                ? $"{path.Value} is also the live content of {other} ({otherPath.At})"
                : $"{path.Value} and the live content of {other}, {otherPath.Value} ({otherPath.At}), are inside one another";
            live.Wrong(path.At, "path", "", problem, "expected a directory of its own for every service");
        }

        paths.Add((service, path));
        if (around.Shared.Path.Length > 0 && Paths.Overlap(path.Value, around.Shared.Path))
        {
            live.Wrong(
                path.At, "path", "", $"{path.Value} overlaps shared.path, {around.Shared.Path}", "expected a directory on a local disk");
        }

        if (around.Node.StateDirectory.Length > 0 && Paths.Overlap(path.Value, around.Node.StateDirectory))
        {
            live.Wrong(
                path.At,
                "path",
                "",
                $"{path.Value} overlaps node.state-dir, {around.Node.StateDirectory}",
                "expected a directory of its own");
        }

        if (around.Options.CheckPaths
            && nodes.Contains(around.Node.Name)
            && !Directory.Exists(path.Value)
            && (File.Exists(path.Value) || new FileInfo(path.Value).LinkTarget is not null))
        {
            live.Wrong(path.At, "path", "", $"{path.Value} is no directory", "expected a directory, or nothing yet");
        }
    }
}
