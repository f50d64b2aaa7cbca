namespace ClusterFs.Lease.Ownership;

/// <summary>
/// What came of the newest move that nobody asked for, of one kind: part of the journal's sum, so that whoever decides next, on whatever node, does not try
/// in a loop. What somebody asks for begins a new occasion.
/// </summary>
public sealed record UnaskedMove(string To, UnaskedMoveOutcome Outcome)
{
    /// <summary>Somebody who resumes the service is told more than that it was not paused: it may move by itself again.</summary>
    internal bool HoldsBack => Outcome is UnaskedMoveOutcome.GivenUp or UnaskedMoveOutcome.DidNotLast;

    internal static UnaskedMove? Failback(UnaskedMove? before, MoveBegun move) => move.Why switch
    {
        MoveReason.Failback => new UnaskedMove(move.To, UnaskedMoveOutcome.UnderWay),

        // Drawn away by what it is kept together with: it would go back and be drawn away again, without end.
        MoveReason.Together => before is { Outcome: UnaskedMoveOutcome.Arrived } && before.To != move.To ? before with { Outcome = UnaskedMoveOutcome.DidNotLast } : before,
        _ => null,
    };

    internal static UnaskedMove? Together(UnaskedMove? before, MoveBegun move) => move.Why switch
    {
        MoveReason.Together => new UnaskedMove(move.To, UnaskedMoveOutcome.UnderWay),
        MoveReason.Failback => before,
        _ => null,
    };

    internal UnaskedMove Abandoned() => Outcome == UnaskedMoveOutcome.UnderWay ? this with { Outcome = UnaskedMoveOutcome.GivenUp } : this;

    internal UnaskedMove After(OwnershipGranted grant) => (Outcome, grant.Node == To) switch
    {
        (UnaskedMoveOutcome.UnderWay, true) => this with { Outcome = UnaskedMoveOutcome.Arrived },
        (UnaskedMoveOutcome.UnderWay, false) => this with { Outcome = UnaskedMoveOutcome.GivenUp },
        (UnaskedMoveOutcome.Arrived, false) => this with { Outcome = UnaskedMoveOutcome.DidNotLast },
        _ => this,
    };

    internal UnaskedMove After(OwnershipSettled settled) =>
        Outcome == UnaskedMoveOutcome.Arrived && settled.Node == To ? this with { Outcome = UnaskedMoveOutcome.Lasted } : this;
}

public enum UnaskedMoveOutcome
{
    UnderWay,

    /// <summary>It did not come to that node.</summary>
    GivenUp,

    /// <summary>That node was granted it, and it has not run there for long enough yet.</summary>
    Arrived,

    /// <summary>It has run there for long enough.</summary>
    Lasted,

    /// <summary>It went elsewhere before it had run there for long enough.</summary>
    DidNotLast,
}
