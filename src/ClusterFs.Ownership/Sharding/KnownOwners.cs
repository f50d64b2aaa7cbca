using System.Collections.Concurrent;

namespace ClusterFs.Ownership.Sharding;

/// <summary>Who owns each service, as far as this node has heard. Only for placing actors: it may be stale. Safe to share between threads.</summary>
public sealed class KnownOwners
{
    private readonly ConcurrentDictionary<string, string?> _owners = new(StringComparer.Ordinal);

    /// <summary>Null when there is none, or none is known.</summary>
    public string? Of(string service) => _owners.GetValueOrDefault(service);

    public void Heard(string service, string? owner) => _owners[service] = owner;
}
