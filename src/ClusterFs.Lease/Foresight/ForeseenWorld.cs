using System.Collections.Immutable;

namespace ClusterFs.Lease.Foresight;

/// <summary>What is taken away in thought, and what is taken for given.</summary>
/// <param name="DecidedOn">The node whose daemon has the service's ownership actor.</param>
public sealed record ForeseenWorld(string DecidedOn)
{
    /// <summary>The voter in the journal's database.</summary>
    public const string SqlVoter = "sql";

    /// <summary>Killed whole: guard, daemon and services; null for none.</summary>
    public string? Killed { get; init; }

    public bool DatabaseLost { get; init; }

    /// <summary>Nodes whose guards are taken for dead already: nobody hears of them.</summary>
    public ImmutableSortedSet<string> Silent { get; init; } = [];

    /// <summary>Until membership has taken a silent node for lost, and a service's ownership actor, if it was there, is on another.</summary>
    public TimeSpan MembershipTakes { get; init; } = TimeSpan.FromSeconds(5);

    public bool IsGone(string node) => node == Killed || Silent.Contains(node);

    /// <summary>Whether a voter still answers.</summary>
    public bool Votes(string voter) => voter == SqlVoter ? !DatabaseLost : !IsGone(voter);
}

/// <summary>What would become of one service.</summary>
/// <param name="Next">The node that would be granted it; null when none would be, or the owner stays.</param>
/// <param name="LeasedAfter">When that node would hold a valid lease, and put the content in place; null for never.</param>
/// <param name="StoppedAfter">When the owner would stop the service for want of a majority; null when it would not.</param>
/// <param name="Steps">In order.</param>
public sealed record Foreseen(string? Owner, string? Next, TimeSpan? LeasedAfter, TimeSpan? StoppedAfter, ImmutableArray<ForeseenStep> Steps)
{
    /// <summary>The owner was taken for lost from the beginning: it is what is killed, it is not reached or not heard of, or its guard does not answer it.</summary>
    public bool OwnerIsLost { get; init; }

    /// <summary>Nodes that are not to be lost and were taken for lost all the same, because nobody hears of them: their guards may live, vote and renew.</summary>
    public ImmutableSortedSet<string> TakenForLost { get; init; } = [];
}

/// <param name="After">From the loss.</param>
/// <param name="Text">What happens, in words.</param>
public sealed record ForeseenStep(TimeSpan After, string Text);
