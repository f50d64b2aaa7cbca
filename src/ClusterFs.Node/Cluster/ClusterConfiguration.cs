using System.Globalization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Hosting;
using Akka.Remote.Transport.DotNetty;
using ClusterFs.Configuration;
using ClusterFs.Ownership;
using ClusterFs.Ownership.Journal;

namespace ClusterFs.Node.Cluster;

/// <summary>Akka's settings for this node, and who is who by address.</summary>
internal static class ClusterConfiguration
{
    /// <summary>The name of every actor system of the cluster: part of their addresses.</summary>
    public static string SystemName(Settings settings) => settings.Cluster.Name;

    public static Config ToConfig(Settings settings) => ConfigurationFactory.ParseString($$"""
        akka {
          loglevel = WARNING
          log-dead-letters = off
          log-dead-letters-during-shutdown = off
          actor.provider = cluster
          cluster.split-brain-resolver.active-strategy = {{StrategyOf(settings)}}
          remote.dot-netty.tcp {
            hostname = "{{settings.Node.Address}}"
            port = {{settings.Cluster.Port.ToString(CultureInfo.InvariantCulture)}}
            enable-ssl = {{(settings.Tls is null ? "off" : "on")}}
            # A pool reserves 16 MiB for each of its threads, and fills them in time; messages here are few and small.
            enable-pooling = off
          }
        }
        """)
        .WithFallback(StoreOf(settings).ToConfig())
        .WithFallback(OwnershipConfiguration.Load());

    /// <summary>An odd number of nodes has a majority by itself; only halves need somebody to choose between them.</summary>
    private static string StrategyOf(Settings settings) => settings.Cluster.Nodes.Count % 2 == 0 ? "lease-majority" : "keep-majority";

    /// <summary>Who this daemon is to the others, and whom it believes; null for clear text.</summary>
    public static DotNettySslSetup? EncryptionOf(NodeIdentity identity) => identity.Tls is { } tls
        ? new DotNettySslSetup(tls.Certificate, suppressValidation: false, requireMutualAuthentication: true, (peer, _, _, _, _) => tls.Trusts(peer))
        : null;

    public static AkkaConfigurationBuilder Encrypt(this AkkaConfigurationBuilder akka, DotNettySslSetup? encryption) =>
        encryption is null ? akka : akka.AddSetup(encryption);

    public static JournalStore StoreOf(Settings settings) => settings.Journal.Provider switch
    {
        JournalProvider.Sqlite => JournalStore.Sqlite(settings.Journal.ConnectionString),
        JournalProvider.PostgreSql => JournalStore.PostgreSql(settings.Journal.ConnectionString),
        var other => throw new InvalidOperationException($"unknown journal provider {other}"),
    };

    public static Address AddressOf(Settings settings, string node) =>
        new(settings.Tls is null ? "akka.tcp" : "akka.ssl.tcp", SystemName(settings), settings.Cluster.Nodes[node], settings.Cluster.Port);

    /// <summary>The node at an address; null when it is none of the configured.</summary>
    public static string? NodeAt(Settings settings, Address address) =>
        settings.Cluster.Nodes.FirstOrDefault(node => node.Value == address.Host && settings.Cluster.Port == address.Port).Key;
}
