using System.Globalization;
using System.Text;

namespace ClusterFs.Demo.Layout;

/// <summary>
/// Writes the configuration, as an administrator would: one shared file, and one of its own for each node that includes it.
/// </summary>
internal static class ClusterFiles
{
    public static void Write(LocalCluster cluster)
    {
        Directory.CreateDirectory(cluster.SharedDirectory);
        if (cluster.Options.Journal == JournalKind.PostgreSql)
        {
            // What an administrator of several machines does once; on one machine the first daemon does it.
            Directory.CreateDirectory(Path.Combine(cluster.SharedDirectory, "clusterfs"));
        }

        WriteShared(cluster);
        foreach (var node in cluster.Nodes)
        {
            Directory.CreateDirectory(node.Directory);
            Directory.CreateDirectory(node.LogDirectory);
            foreach (var service in cluster.Options.Services)
            {
                Directory.CreateDirectory(node.LivePath(service.Name));
            }

            File.WriteAllText(node.ConfigurationFile, NodeConfiguration(cluster, node));
        }
    }

    public static void WriteShared(LocalCluster cluster) => File.WriteAllText(cluster.SharedConfigurationFile, SharedConfiguration(cluster));

    private static string SharedConfiguration(LocalCluster cluster)
    {
        var options = cluster.Options;
        var nodes = string.Join(", ", cluster.Members.Select(node => $"{node.Name} = \"{node.Address}\""));
        var names = string.Join(", ", cluster.Members.Select(node => node.Name));
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $$"""
            clusterfs {
              cluster {
                name = {{options.Name}}
                port = {{cluster.Ports.Cluster}}, guard-port = {{cluster.Ports.Guard}}, http-port = {{cluster.Ports.Http}}
                nodes { {{nodes}} }
              }
              journal {
                provider = {{(options.Journal == JournalKind.Sqlite ? "sqlite" : "postgresql")}}
                connection-string = "{{cluster.JournalConnectionString}}"
              }
              shared { path = "{{cluster.SharedDirectory}}" }
              lease { ttl = {{Milliseconds(options.Ttl)}}, stop-budget = {{Milliseconds(options.StopBudget)}} }
            """);
        if (options.FenceCommand is { } command)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $"  fence.command = \"{command}\"");
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"  {options.Settings}");
        foreach (var service in options.Services)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $$"""
                  services.{{service.Name}} {
                    nodes = [{{names}}]
                    live { path = "{{LocalCluster.LivePathEverywhere(service.Name)}}", dump-every = {{Milliseconds(service.DumpEvery)}} }
                    failover.max = {{options.FailoverMax}}
                    {{service.Settings}}
                  }
                """);
        }

        return text.AppendLine("}").ToString();
    }

    private static string NodeConfiguration(LocalCluster cluster, ClusterNode node)
    {
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $$"""
            include "{{Path.Combine(node.SharedDirectory, Path.GetFileName(cluster.SharedConfigurationFile))}}"
            clusterfs.node {
              name = {{node.Name}}
              address = "{{node.Address}}"
              state-dir = "{{node.StateDirectory}}"
              socket = "{{node.Socket}}"
            }
            # All nodes are on one machine: each needs a directory of its own for what is at the same path on real ones.
            clusterfs.shared.path = "{{node.SharedDirectory}}"
            """);
        if (cluster.Options.Encrypted)
        {
            text.AppendLine(CultureInfo.InvariantCulture, $$"""
                clusterfs.tls {
                  authority = "{{Path.Combine(cluster.CertificatesDirectory, "authority.pem")}}"
                  certificate = "{{Path.Combine(cluster.CertificatesDirectory, $"{node.Name}.pem")}}"
                  key = "{{Path.Combine(cluster.CertificatesDirectory, $"{node.Name}.key")}}"
                }
                """);
        }

        foreach (var service in cluster.Options.Services)
        {
            text.AppendLine(
                CultureInfo.InvariantCulture, $"clusterfs.services.{service.Name}.live.path = \"{node.LivePath(service.Name)}\"");
        }

        return text.ToString();
    }

    private static string Milliseconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds:0}ms");
}
