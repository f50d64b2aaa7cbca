using System.Collections.Immutable;

namespace ClusterFs.Simulation;

/// <summary>A deliberate bug, or several that are harmless apart.</summary>
/// <param name="Name">As the review of the protocol calls it.</param>
/// <param name="Profile">Where it shows soonest; null for all.</param>
/// <param name="Reasoning">For what is harmless alone: which other rule covers it. For people.</param>
public sealed record Mutant(string Name, Bugs Bugs, Profile? Profile = null, string? Reasoning = null)
{
    /// <summary>Faults that no protocol of this kind withstands, in the place of others.</summary>
    public ImmutableDictionary<FaultKind, FaultKind> Instead { get; init; } = ImmutableDictionary<FaultKind, FaultKind>.Empty;

    /// <summary>The invariants that a catch must violate; empty for any.</summary>
    public ImmutableArray<string> Watched { get; init; } = [];

    /// <summary>Parts of it that violate none of these by themselves, as the reasoning says: another rule covers them.</summary>
    public ImmutableArray<Bugs> Harmless { get; init; } = [];

    public Scenario Draw(ulong seed)
    {
        var scenario = ScenarioDraw.Draw(seed, Profile) with { Bugs = Bugs, Watched = Watched };
        return Instead.IsEmpty
            ? scenario
            : scenario with { Faults = [.. scenario.Faults.Select(fault => Instead.TryGetValue(fault.Kind, out var other) ? fault with { Kind = other } : fault)] };
    }
}
