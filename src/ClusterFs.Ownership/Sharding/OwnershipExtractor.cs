using Akka.Cluster.Sharding;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership.Sharding;

/// <summary>A shard for each service, so that each can be placed by itself. Messages for services that are not configured have no entity.</summary>
internal sealed class OwnershipExtractor(IReadOnlySet<string> services) : IMessageExtractor
{
    public string? EntityId(object message) =>
        message is IOwnershipMessage addressed && services.Contains(addressed.Service) ? addressed.Service : null;

    public object EntityMessage(object message) => message;

    public string? ShardId(object message) => EntityId(message);

    public string ShardId(string entityId, object? messageHint = null) => entityId;
}
