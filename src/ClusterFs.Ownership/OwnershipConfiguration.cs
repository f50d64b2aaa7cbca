using Akka.Cluster.Sharding;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Akka.DistributedData;
using Akka.Persistence.Sql;

namespace ClusterFs.Ownership;

/// <summary>Akka's settings that are the same on every node: <c>hocon/akka.conf</c>, above the packages' own.</summary>
public static class OwnershipConfiguration
{
    public static Config Load()
    {
        using var stream = typeof(OwnershipConfiguration).Assembly.GetManifestResourceStream("akka.conf")!;
        using var reader = new StreamReader(stream);
        return ConfigurationFactory.ParseString(reader.ReadToEnd())
            .WithFallback(SqlPersistence.DefaultConfiguration)
            .WithFallback(ClusterSharding.DefaultConfig())
            .WithFallback(ClusterSingleton.DefaultConfig())
            .WithFallback(DistributedData.DefaultConfig());
    }
}
