using System.Collections.Immutable;
using System.Net;
using ClusterFs.Configuration;

namespace ClusterFs.Content.Seeded;

/// <summary>What the names in a template stand for.</summary>
internal static class SeedValues
{
    /// <summary>What <c>hostname</c> prints; may change while the daemon runs.</summary>
    public static string HostName => Dns.GetHostName();

    /// <summary>The values of one service on this node: those that every template has, and the site's own, as they are for this node.</summary>
    public static ImmutableSortedDictionary<string, string> Of(Settings settings, string service, string hostName)
    {
        var values = settings.Seeded.Variables.ToBuilder();
        if (settings.Seeded.Nodes.TryGetValue(settings.Node.Name, out var overrides))
        {
            foreach (var (name, value) in overrides)
            {
                values[name] = value;
            }
        }

        values[SeedingSettings.HostName] = hostName;
        values[SeedingSettings.Node] = settings.Node.Name;
        values[SeedingSettings.Address] = settings.Node.Address;
        values[SeedingSettings.Service] = service;
        return values.ToImmutable();
    }
}
