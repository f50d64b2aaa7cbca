using ClusterFs.Ownership.Wire;

namespace ClusterFs.Ownership.Messages;

/// <summary>Why is the service where it is? Answered with <see cref="OwnershipExplained"/>.</summary>
public sealed record ExplainOwnership(string Service) : IOwnershipQuestion;

/// <param name="Why">Sentences, in order.</param>
/// <param name="Nodes">Those that may own it, most wanted first.</param>
public sealed record OwnershipExplained(string Service, string[] Why, NodeStanding[] Nodes) : IWireMessage;

/// <param name="Standing">owner, next, candidate or cannot.</param>
public sealed record NodeStanding(string Node, string Standing, string Text);

/// <summary>What would become of the service? Nothing is done. Answered with <see cref="OwnershipForeseen"/>.</summary>
/// <param name="Killed">A node, whole; null for none.</param>
public sealed record ForeseeOwnership(string Service, string? Killed, bool DatabaseLost) : IOwnershipMessage;

/// <param name="Next">The node that would be granted it; null when none would.</param>
/// <param name="LeasedAfterSeconds">Until that one holds a valid lease; null when none would.</param>
/// <param name="StoppedAfterSeconds">Until the owner stops it for want of a majority; null when it goes on, or is what is lost.</param>
public sealed record OwnershipForeseen(
    string Service, string? Owner, string? Next, double? LeasedAfterSeconds, double? StoppedAfterSeconds, ForeseenEvent[] Steps) : IWireMessage
{
    /// <summary>The owner was taken for lost from the beginning.</summary>
    public bool OwnerIsLost { get; init; }

    /// <summary>Nodes that were taken for lost as well, because nobody hears of them.</summary>
    public string[] TakenForLost { get; init; } = [];

    /// <summary>Why nothing can be said; null when it can.</summary>
    public string? Problem { get; init; }
}

public sealed record ForeseenEvent(double AfterSeconds, string Text);
