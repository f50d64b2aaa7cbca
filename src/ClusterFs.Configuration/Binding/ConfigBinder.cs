using System.Collections.Immutable;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.services.*.config</c>: the configuration of a service that lies on shared storage; and <c>clusterfs.config</c>.</summary>
internal static class ConfigBinder
{
    public const string Name = "config";

    private const string Source = "source";
    private const string IncludeIn = "include-in";
    private const string Include = "include";
    private const string Comment = "comment";
    private const string After = "after";

    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(30);

    private static readonly ImmutableArray<(string Key, ConfigKind Kind)> Targets =
        [(IncludeIn, ConfigKind.Include), ("link", ConfigKind.Link), ("copy", ConfigKind.Copy)];

    public static TimeSpan BindPollEvery(Section section)
    {
        var every = section.Duration("poll-every", TimeSpan.FromSeconds(2), min: TimeSpan.FromMilliseconds(100), max: TimeSpan.FromHours(1));
        section.Finish();
        return every.Value;
    }

    public static ImmutableArray<ConfigSettings> Bind(Section section)
    {
        var files = ImmutableArray.CreateBuilder<ConfigSettings>();
        foreach (var (name, _) in section.Names)
        {
            var file = section.NamedChild(name);
            if (!Names.IsServiceName(name))
            {
                file.Wrong($"'{name}' cannot be the name of a config file", Names.ExpectedForService);
            }

            if (file.Valid)
            {
                files.Add(BindFile(file, name));
            }
        }

        section.Finish();
        return files.ToImmutable();
    }

    /// <summary>Reports targets that lie where something else is kept, and those that several would write to: none may include or overwrite itself.</summary>
    public static void CheckPlaces(Section section, ServiceSettings service, IEnumerable<ServiceSettings> all, ServicesBinder.Surroundings around)
    {
        foreach (var file in service.Config.Where(file => file.Target.Length > 0))
        {
            var place = section.NamedChild(file.Name);
            foreach (var other in all.Where(other => other.Live.Path.Length > 0 && Paths.Overlap(file.Target, other.Live.Path)))
            {
                place.Wrong(
                    $"{file.Target} lies in the live content of {other.Name}, {other.Live.Path}, which goes from node to node",
                    "expected a file that stays on its node");
            }

            if (around.Shared.Path.Length > 0 && Paths.Overlap(file.Target, around.Shared.Path))
            {
                var itself = Path.Combine(around.Shared.Path, file.Source);
                place.Wrong(
                    Paths.Overlap(file.Target, itself)
                        ? $"{file.Target} would {VerbOf(file.Kind)} itself: it is, or lies in, the source"
                        : $"{file.Target} lies on shared storage, {around.Shared.Path}, which all nodes write to",
                    "expected a file on a local disk");
            }

            if (around.Node.StateDirectory.Length > 0 && Paths.Overlap(file.Target, around.Node.StateDirectory))
            {
                place.Wrong($"{file.Target} lies in node.state-dir, {around.Node.StateDirectory}, where the copies are that it is to read", "expected a file outside of it");
            }

            var neighbours = all.Where(other => other.Nodes.Intersect(service.Nodes).Any()).ToList();
            foreach (var other in neighbours.Where(other => other.Seeded.Any(seeded => Paths.Overlap(seeded.Path, file.Target))))
            {
                place.Wrong($"{file.Target} is also a seeded file of {other.Name}, whose rendering would overwrite it", "expected another file");
            }

            foreach (var (other, its) in neighbours.SelectMany(other => other.Config.Select(its => (other, its))).Where(one => IsBefore(one.other, one.its, service, file)))
            {
                if (its.Target.Length > 0 && Paths.Overlap(its.Target, file.Target)
                    && !(its.Target == file.Target && its.Kind == ConfigKind.Include && file.Kind == ConfigKind.Include))
                {
                    place.Wrong(
                        $"{file.Target} and {its.Target}, of {other.Name}.config.{its.Name}, would overwrite one another", "expected places of their own");
                }
            }
        }
    }

    private static bool IsBefore(ServiceSettings other, ConfigSettings its, ServiceSettings service, ConfigSettings file) =>
        string.CompareOrdinal($"{other.Name} {its.Name}", $"{service.Name} {file.Name}") < 0;

    private static string VerbOf(ConfigKind kind) => kind switch
    {
        ConfigKind.Include => "include",
        ConfigKind.Link => "be a link to",
        _ => "be copied to",
    };

    private static ConfigSettings BindFile(Section section, string name)
    {
        var source = section.RequiredText(Source, "expected a file or directory, relative to shared.path");
        var (kind, target) = BindTarget(section);
        var include = section.Text(Include);
        var comment = section.Text(Comment);
        var after = section.Text(After);
        var check = section.Text("check");
        var reload = section.Text("reload");
        var healthy = section.Text("healthy");
        var bound = new ConfigSettings(name, Path.TrimEndingDirectorySeparator(source.Value), kind, target)
        {
            After = after.Value?.Trim(),
            Check = check.Value,
            CheckTimeout = Timeout(section, "check-timeout", "check", check),
            Reload = reload.Value,
            ReloadTimeout = Timeout(section, "reload-timeout", "reload", reload),
            Healthy = healthy.Value,
            HealthyWithin = Timeout(section, "healthy-within", "healthy", healthy),
        };
        if (source.Valid && !StaysInside(bound.Source))
        {
            section.Wrong(source.At, Source, "", $"'{source.Value}' may lead out of shared.path", "expected a path relative to shared.path, without '..'");
        }
        else if (source.Valid && bound.Source.Split('/')[0] == "clusterfs")
        {
            section.Wrong(source.At, Source, "", $"'{source.Value}' lies where ClusterFs keeps what it needs itself", "expected another directory of shared.path");
        }

        foreach (var (text, key) in new[]
        {
            (include, Include), (comment, Comment), (after, After), (check, "check"), (reload, "reload"), (healthy, "healthy"),
        })
        {
            if (text is { Valid: true, Value: not null } && text.Value.Trim().Length == 0)
            {
                section.Wrong(text.At, key, "", "is empty", $"expected a text, or no {key}");
            }
            else if (key is Include or Comment or After && text is { Valid: true, Value: not null })
            {
                CheckLine(section, key, text, kind, target);
            }
        }

        if (include is { Valid: true, Value: { } line } && Count(line, ConfigSettings.PathPlace) != 1)
        {
            section.Wrong(include.At, Include, "", $"'{line}' does not say once where the path goes", $"expected such as \"include {ConfigSettings.PathPlace};\"");
        }

        if (comment is { Valid: true, Value: { } form } && Count(form, ConfigSettings.TextPlace) > 1)
        {
            section.Wrong(comment.At, Comment, "", $"'{form}' says twice where the words go", $"expected such as \"#\", or \"<!-- {ConfigSettings.TextPlace} -->\"");
        }

        section.Finish();
        return bound with { Include = include.Value ?? bound.Include, Comment = comment.Value?.Trim() ?? bound.Comment };
    }

    private static void CheckLine(Section section, string key, Bound<string?> text, ConfigKind kind, string target)
    {
        if (kind != ConfigKind.Include && target.Length > 0)
        {
            section.Wrong(text.At, key, "", $"has no effect without {IncludeIn}", $"expected {IncludeIn}, or no {key}");
        }

        if (text.Value!.AsSpan().ContainsAny('\n', '\r', '\0'))
        {
            section.Wrong(text.At, key, "", "is more than a line", "expected a line");
        }
    }

    private static (ConfigKind Kind, string Target) BindTarget(Section section)
    {
        var bound = Targets.Select(target => (target.Key, target.Kind, Path: Paths.Optional(section, target.Key, ""))).ToList();
        var written = bound.Where(target => target.Path.Value.Length > 0 || !target.Path.Valid).ToList();
        switch (written.Count)
        {
            case 0:
                section.Wrong("says nowhere how it is read", $"expected one of {string.Join(", ", Targets.Select(target => target.Key))}, with an absolute path");
                break;
            case > 1:
                section.Wrong(
                    written[1].Path.At, written[1].Key, "", $"is there beside {written[0].Key}", $"expected one of the two; a second config file may have the same {Source}");
                break;
        }

        return written.Count == 0 ? (ConfigKind.Include, "") : (written[0].Kind, written[0].Path.Value);
    }

    private static TimeSpan Timeout(Section section, string name, string meant, Bound<string?> command)
    {
        var timeout = section.Duration(name, CommandTimeout, min: TimeSpan.FromMilliseconds(100), max: TimeSpan.FromHours(1));
        var written = section.Text(name);
        if (command is { Valid: true, Value: null } && written is { Valid: true, Value: not null })
        {
            section.Wrong(written.At, name, 0, $"has no effect without {meant}", $"expected {meant} too, or no {name}");
        }

        return timeout.Value;
    }

    private static int Count(string text, string what) => text.Split(what).Length - 1;

    private static bool StaysInside(string source) =>
        !source.StartsWith('/') && !source.Contains('\0', StringComparison.Ordinal) && !source.Split('/').Any(part => part is ".." or "." or "");
}
