using System.Collections.Immutable;
using Akka.Actor;
using ClusterFs.Configuration;
using ClusterFs.Node.Cluster;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Rollouts;

/// <summary>The other nodes, as the cluster's membership has them. Safe to use from several threads.</summary>
internal sealed class ConfigNeighbours(ActorSystem system, Settings settings, TimeProvider time)
{
    /// <summary>For so long a node is waited for: its daemon may only be starting again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private ImmutableDictionary<string, long> _goneSince = ImmutableDictionary<string, long>.Empty;
    private ImmutableHashSet<string> _present = [];

    /// <summary>Those that nobody waits for any more. What hangs on it is how soon a roll-out goes on, not whether it is right.</summary>
    public IReadOnlySet<string> FindAway()
    {
        lock (_lock)
        {
            if (Akka.Cluster.Cluster.Get(system).SelfMember.Status != Akka.Cluster.MemberStatus.Up)
            {
                // One that is alone because it has not joined yet says nothing of the others.
                _goneSince = ImmutableDictionary<string, long>.Empty;
                return _goneSince.Keys.ToImmutableHashSet(StringComparer.Ordinal);
            }

            var gone = settings.Cluster.Nodes.Keys.Where(node => node != settings.Node.Name && Find(node) is null);
            var (before, now) = (_goneSince, time.GetTimestamp());
            _goneSince = gone.ToImmutableDictionary(node => node, node => before.TryGetValue(node, out var since) ? since : now, StringComparer.Ordinal);
            return _goneSince.Where(one => time.GetElapsedTime(one.Value, now) >= Patience).Select(one => one.Key).ToImmutableHashSet(StringComparer.Ordinal);
        }
    }

    /// <summary>Whether nodes can be heard that could not be when this was asked last, this one itself among them.</summary>
    public bool HaveCome()
    {
        lock (_lock)
        {
            var before = _present;
            _present = Akka.Cluster.Cluster.Get(system).SelfMember.Status == Akka.Cluster.MemberStatus.Up
                ? settings.Cluster.Nodes.Keys.Where(node => Find(node) is not null).ToImmutableHashSet(StringComparer.Ordinal)
                : [];
            return !_present.IsSubsetOf(before);
        }
    }

    /// <summary>Where a node's actor is; null while the node is not in the cluster.</summary>
    public ActorSelection? Find(string node)
    {
        var cluster = Akka.Cluster.Cluster.Get(system).State;
        var member = cluster.Members.LastOrDefault(member => ClusterConfiguration.NodeAt(settings, member.Address) == node);
        return member is null || member.Status != Akka.Cluster.MemberStatus.Up || cluster.Unreachable.Contains(member)
            ? null
            : system.ActorSelection(new RootActorPath(member.Address) / "user" / ConfigActor.Name);
    }

    /// <summary>Has the other nodes of a service look at once.</summary>
    public void Nudge(string service)
    {
        foreach (var node in settings.Services[service].Nodes.Where(node => node != settings.Node.Name))
        {
            Find(node)?.Tell(new LookAtConfig(service));
        }
    }
}
