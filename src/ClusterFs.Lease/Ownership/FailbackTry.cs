namespace ClusterFs.Lease.Ownership;

/// <summary>What came of a move back to the preferred node: part of the journal's sum, so that whoever decides next does not try in a loop.</summary>
public sealed record FailbackTry(string To, FailbackOutcome Outcome)
{
    /// <summary>Whatever somebody asks for begins a new occasion.</summary>
    internal static FailbackTry? Of(MoveBegun move) => move.Why == MoveReason.Failback ? new FailbackTry(move.To, FailbackOutcome.UnderWay) : null;

    internal FailbackTry Abandoned() => Outcome == FailbackOutcome.UnderWay ? this with { Outcome = FailbackOutcome.GivenUp } : this;

    internal FailbackTry After(OwnershipGranted grant) => (Outcome, grant.Node == To) switch
    {
        (FailbackOutcome.UnderWay, true) => this with { Outcome = FailbackOutcome.Arrived },
        (FailbackOutcome.UnderWay, false) => this with { Outcome = FailbackOutcome.GivenUp },
        (FailbackOutcome.Arrived, false) => this with { Outcome = FailbackOutcome.DidNotLast },
        _ => this,
    };
}

public enum FailbackOutcome
{
    UnderWay,

    /// <summary>It did not come to the preferred node.</summary>
    GivenUp,

    /// <summary>The preferred node was granted it, and it has not run there for long enough yet.</summary>
    Arrived,

    /// <summary>It went elsewhere before it had run there for long enough.</summary>
    DidNotLast,
}
