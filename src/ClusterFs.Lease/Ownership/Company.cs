using System.Collections.Immutable;

namespace ClusterFs.Lease.Ownership;

/// <summary>The other services that matter for where a service is, and for when it may start.</summary>
/// <param name="DependsOn">It is granted to nobody by itself while one of these does not run.</param>
/// <param name="Together">Those that are kept on one node, itself among them, in the order in which they go there: the first leads. Empty: it is alone.</param>
public sealed record Company(ImmutableArray<string> DependsOn, ImmutableArray<string> Together)
{
    public static Company None { get; } = new([], []);

    public bool IsNone => DependsOn.IsEmpty && Together.IsEmpty;

    /// <summary>Everyone who has to be heard of, but the service itself.</summary>
    public ImmutableSortedSet<string> Others(string service) => DependsOn.Union(Together).Where(other => other != service).ToImmutableSortedSet(StringComparer.Ordinal);
}

/// <summary>What is known of another service.</summary>
/// <param name="Owner">The node that may write, or may still write; null when none may.</param>
/// <param name="Runs">It was started there.</param>
/// <param name="Candidates">The nodes that could be granted it.</param>
public sealed record Neighbour(string Service, string? Owner, bool Runs, ImmutableArray<string> Candidates)
{
    /// <summary>Its node, or the guard there, does not answer: it runs as far as anybody knows.</summary>
    public bool IsSilent { get; init; }

    /// <summary>It is not moved by itself now: it is paused, left alone, or on its way already.</summary>
    public bool Stays { get; init; }
}

/// <summary>What the company of a service means for its next grant.</summary>
/// <param name="Beside">The node to be preferred to all others; null for none.</param>
/// <param name="Awaited">The services that have to be heard of, or to run, before it is granted by itself.</param>
public sealed record Placement(string? Beside, ImmutableArray<string> Awaited)
{
    public static Placement None { get; } = new(null, []);

    /// <summary>Whoever has heard of nobody yet waits for everybody.</summary>
    internal static Placement Unknown(OwnershipSettings settings) => new(null, [.. settings.Company.Others(settings.Service)]);
}
