using System.Collections.Immutable;

namespace ClusterFs.Configuration.Binding;

/// <summary><c>clusterfs.services.NAME.depends-on</c> and <c>with</c>: relations between services, so they are checked when all are known.</summary>
internal static class CompanyBinder
{
    public const string DependsOn = "depends-on";
    public const string With = "with";
    private const string Failback = "failback";

    public static ImmutableArray<string> Bind(Section section, string key) => [.. (section.Texts(key).Value ?? []).Select(name => name.Value)];

    /// <summary>Checks what services say of one another, and finds out which of them go together.</summary>
    /// <param name="all">The section of all services.</param>
    public static IEnumerable<ServiceSettings> Check(Section all, IReadOnlyDictionary<string, ServiceSettings> services)
    {
        var isSound = true;
        foreach (var service in services.Values)
        {
            var section = all.NamedChild(service.Name);
            isSound &= CheckNames(section, service, DependsOn, services) & CheckNames(section, service, With, services);
        }

        if (!isSound || (FindCycle(services) is { } cycle && ReportCycle(all, cycle, services)))
        {
            return services.Values;
        }

        return services.Values.Select(service => service with { Together = TogetherWith(service, services) }).Select(service => CheckGroup(all, service, services));
    }

    private static bool CheckNames(Section section, ServiceSettings service, string key, IReadOnlyDictionary<string, ServiceSettings> services)
    {
        var isSound = true;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in section.Texts(key).Value ?? [])
        {
            var (problem, expected) =
                name.Value == service.Name ? ($"names {name.Value} itself", "expected other services")
                : !seen.Add(name.Value) ? ($"names {name.Value} twice", "expected every service once")
                : !services.ContainsKey(name.Value) ? ($"{name.Value} is no service", $"{Suggestion.For(name.Value, services.Keys)}clusterfs.services has {string.Join(", ", services.Keys)}")
                : (null, "");
            if (problem is not null)
            {
                isSound = false;
                section.Wrong(name.At, key, 0, problem, expected);
            }
        }

        return isSound;
    }

    private static IEnumerable<string> Named(ServiceSettings service) => service.DependsOn.Union(service.With, StringComparer.Ordinal);

    /// <returns>Services that name each other in a ring, the first again at the end; null when there are none.</returns>
    private static ImmutableList<string>? FindCycle(IReadOnlyDictionary<string, ServiceSettings> services)
    {
        var done = new HashSet<string>(StringComparer.Ordinal);
        return services.Keys.Select(name => From(name, [])).FirstOrDefault(cycle => cycle is not null);

        ImmutableList<string>? From(string name, ImmutableList<string> way)
        {
            if (way.Contains(name))
            {
                return way.RemoveRange(0, way.IndexOf(name)).Add(name);
            }

            if (done.Contains(name))
            {
                return null;
            }

            var found = Named(services[name]).Select(next => From(next, way.Add(name))).FirstOrDefault(cycle => cycle is not null);
            done.Add(name);
            return found;
        }
    }

    private static bool ReportCycle(Section all, ImmutableList<string> cycle, IReadOnlyDictionary<string, ServiceSettings> services)
    {
        var section = all.NamedChild(cycle[0]);
        var key = services[cycle[0]].DependsOn.Contains(cycle[1]) ? DependsOn : With;
        section.Wrong(section.Texts(key).At, key, 0, $"leads back to itself: {string.Join(" -> ", cycle)}", "expected services that can be put in an order");
        return true;
    }

    /// <summary>Whoever is connected through `with`, those that are named before those that name them.</summary>
    private static ImmutableArray<string> TogetherWith(ServiceSettings service, IReadOnlyDictionary<string, ServiceSettings> services)
    {
        var group = new SortedSet<string>(StringComparer.Ordinal) { service.Name };
        while (services.Values.FirstOrDefault(other => !group.Contains(other.Name) ? other.With.Any(group.Contains) : other.With.Any(name => !group.Contains(name))) is { } more)
        {
            group.Add(more.Name);
            group.UnionWith(more.With);
        }

        if (group.Count == 1)
        {
            return [];
        }

        var order = ImmutableArray.CreateBuilder<string>();
        while (order.Count < group.Count)
        {
            order.Add(group.First(name => !order.Contains(name) && Named(services[name]).All(before => !group.Contains(before) || order.Contains(before))));
        }

        return order.ToImmutable();
    }

    private static ServiceSettings CheckGroup(Section all, ServiceSettings service, IReadOnlyDictionary<string, ServiceSettings> services)
    {
        if (service.Together.IsEmpty)
        {
            return service;
        }

        var (section, leader) = (all.NamedChild(service.Name), services[service.Together[0]]);
        if (!service.Nodes.ToHashSet(StringComparer.Ordinal).SetEquals(leader.Nodes))
        {
            section.Wrong(
                section.Texts("nodes").At, "nodes", 0, $"{service.Name} is kept together with {leader.Name}, which may run on {string.Join(", ", leader.Nodes)}", "expected the same nodes, in any order");
        }

        if (service.Name != leader.Name && service.Failback.Kind != FailbackKind.Never)
        {
            section.Wrong(section.Text(Failback).At, Failback, 0, $"{service.Name} goes where {leader.Name} goes", $"expected failback in services.{leader.Name}");
        }

        return service;
    }
}
