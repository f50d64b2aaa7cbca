using System.Collections.Immutable;

namespace ClusterFs.Api;

/// <summary>Why a service is where it is: the answer to <see cref="ApiRoutes.Explain"/>.</summary>
/// <param name="Why">Sentences, in order.</param>
/// <param name="Nodes">The nodes that may own it, most wanted first; of one alone where that was asked.</param>
public sealed record ExplainReport(string Service, ImmutableArray<string> Why, ImmutableArray<NodeStandingReport> Nodes)
{
    /// <summary>The service's addresses, as the answering node sees them; empty where it has none, or another node was asked about.</summary>
    public ImmutableArray<AddressStandingReport> Addresses { get; init; } = [];
}

/// <param name="Standing">owner, next, candidate or cannot.</param>
/// <param name="Text">Why.</param>
public sealed record NodeStandingReport(string Node, string Standing, string Text);

/// <summary>How one address of a service stands on one node.</summary>
/// <param name="Address">With the length of its network: 10.0.0.50/24.</param>
/// <param name="Interface">Where it is, or would go; null where it could not go anywhere.</param>
/// <param name="OnForSeconds">For how long the service's addresses have been on without a break; null where they are not, or nobody knows.</param>
/// <param name="Text">Why it is on, or not.</param>
public sealed record AddressStandingReport(string Address, string Node, bool On, string? Interface, double? OnForSeconds, string Text);

/// <summary>What would happen: the answer to <see cref="ApiRoutes.Simulate"/>. Nothing was done.</summary>
/// <param name="Lost">What was taken away in thought, in words.</param>
/// <param name="Services">By name.</param>
public sealed record SimulateReport(string Lost, ImmutableArray<ForeseenService> Services);

/// <param name="Owner">Now; null for none.</param>
/// <param name="Outcome">stays, moves, stops (and runs nowhere), nobody (it had no owner and gets none), or unknown (its ownership actor does not answer).</param>
/// <param name="Next">Where it would go.</param>
/// <param name="LeasedAfterSeconds">About how long until that node may begin to put the content in place.</param>
/// <param name="LostSeconds">What was written in this time would be lost with the owner; null when nothing is, or nobody knows.</param>
/// <param name="LostBytes">Roughly how much that is.</param>
public sealed record ForeseenService(
    string Service,
    string? Owner,
    string Outcome,
    string? Next,
    double? LeasedAfterSeconds,
    double? StoppedAfterSeconds,
    double? LostSeconds,
    long? LostBytes,
    ImmutableArray<ForeseenMoment> Steps,
    ImmutableArray<string> Notes);

public sealed record ForeseenMoment(double AfterSeconds, string Text);
