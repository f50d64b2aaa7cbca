using System.Collections.Immutable;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.services.*.seeded</c>: the files of a service that are rendered from templates.</summary>
internal static class SeededBinder
{
    public const string Name = "seeded";

    private const string Template = "template";
    private const int MaxMode = 0xFFF;

    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(30);

    public static ImmutableArray<SeededSettings> Bind(Section section)
    {
        var files = ImmutableArray.CreateBuilder<SeededSettings>();
        foreach (var (path, _) in section.Names)
        {
            var file = section.NamedChild(path);
            var normal = path.StartsWith('/') && !path.EndsWith('/') && !path.Contains('\0', StringComparison.Ordinal) ? Path.GetFullPath(path) : null;
            normal = normal == "/" ? null : normal;
            if (normal is null)
            {
                file.Wrong($"'{path}' is no absolute path of a file", "expected seeded.\"/etc/…\" { template = … }");
            }

            if (file.Valid)
            {
                files.Add(BindFile(file, normal ?? path));
            }
        }

        section.Finish();
        return files.ToImmutable();
    }

    /// <summary>Reports files that lie where something else is kept, or that two services have on one node.</summary>
    public static void CheckPlaces(
        Section section, ServiceSettings service, IEnumerable<ServiceSettings> all, ServicesBinder.Surroundings around)
    {
        foreach (var file in service.Seeded)
        {
            var written = section.Names.Last(name => name.Name == file.Path || (name.Name.StartsWith('/') && Path.GetFullPath(name.Name) == file.Path)).Name;
            var place = section.NamedChild(written);
            foreach (var other in all.Where(other => other.Live.Path.Length > 0 && Paths.Overlap(file.Path, other.Live.Path)))
            {
                place.Wrong(
                    $"lies in the live content of {other.Name}, {other.Live.Path}, which goes from node to node",
                    "expected a file that stays on its node");
            }

            if (around.Shared.Path.Length > 0 && Paths.Overlap(file.Path, around.Shared.Path))
            {
                place.Wrong($"lies on shared storage, {around.Shared.Path}, which all nodes write to", "expected a file on a local disk");
            }

            if (around.Node.StateDirectory.Length > 0 && Paths.Overlap(file.Path, around.Node.StateDirectory))
            {
                place.Wrong($"lies in node.state-dir, {around.Node.StateDirectory}", "expected a file outside of it");
            }

            if (service.Seeded.Count(other => other.Path == file.Path) > 1)
            {
                place.Wrong($"{file.Path} is written in two ways", "expected every file once");
            }

            foreach (var other in all.Where(other => string.CompareOrdinal(other.Name, service.Name) < 0
                && other.Seeded.Any(its => its.Path == file.Path)
                && other.Nodes.Intersect(service.Nodes).Any()))
            {
                place.Wrong($"{file.Path} is also a seeded file of {other.Name}", "expected every file once");
            }
        }
    }

    private static SeededSettings BindFile(Section section, string path)
    {
        var template = section.RequiredText(Template, "expected a template, relative to shared.path");
        var owner = section.Text("owner");
        var group = section.Text("group");
        var mode = BindMode(section);
        var check = section.Text("check");
        var checkTimeout = Timeout(section, "check-timeout", check);
        var reload = section.Text("reload");
        var reloadTimeout = Timeout(section, "reload-timeout", reload);
        if (template.Valid && !StaysInside(template.Value))
        {
            section.Wrong(
                template.At, Template, "", $"'{template.Value}' may lead out of shared.path", "expected a path relative to shared.path, without '..'");
        }

        foreach (var (text, name) in new[] { (owner, "owner"), (group, "group"), (check, "check"), (reload, "reload") })
        {
            if (text is { Valid: true, Value: not null } && text.Value.Trim().Length == 0)
            {
                section.Wrong(text.At, name, "", "is empty", $"expected a text, or no {name}");
            }
        }

        section.Finish();
        return new SeededSettings(path, template.Value)
        {
            Owner = owner.Value,
            Group = group.Value,
            Mode = mode,
            Check = check.Value,
            CheckTimeout = checkTimeout,
            Reload = reload.Value,
            ReloadTimeout = reloadTimeout,
        };
    }

    private static TimeSpan Timeout(Section section, string name, Bound<string?> command)
    {
        var timeout = section.Duration(name, CommandTimeout, min: TimeSpan.FromMilliseconds(100), max: TimeSpan.FromHours(1));
        var written = section.Text(name);
        if (command is { Valid: true, Value: null } && written is { Valid: true, Value: not null })
        {
            var meant = name[..^"-timeout".Length];
            section.Wrong(written.At, name, 0, $"has no effect without {meant}", $"expected {meant} too, or no {name}");
        }

        return timeout.Value;
    }

    private static uint? BindMode(Section section)
    {
        var text = section.Text("mode");
        if (!text.Valid || text.Value is null)
        {
            return null;
        }

        try
        {
            // Without the leading zero it might be meant as a decimal number.
            var mode = text.Value.StartsWith('0') && text.Value.Length is 4 or 5 && text.Value.All(char.IsAsciiDigit) ? Convert.ToUInt32(text.Value, 8) : uint.MaxValue;
            if (mode <= MaxMode)
            {
                return mode;
            }
        }
        catch (FormatException)
        {
            // An 8 or a 9 in it.
        }

        section.Wrong(text.At, "mode", 0, $"'{text.Value}' is no mode", "expected octal digits with a leading 0, such as 0644");
        return null;
    }

    private static bool StaysInside(string template) =>
        !template.StartsWith('/') && !template.Contains('\0', StringComparison.Ordinal) && !template.Split('/').Any(part => part is ".." or "");
}
