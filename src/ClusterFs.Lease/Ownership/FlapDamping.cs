using ClusterFs.Lease.Holder;

namespace ClusterFs.Lease.Ownership;

/// <summary>
/// When a service that does not stay up is left alone. Counted in the journal, so that the count survives whoever counts; the time is
/// measured by one incarnation on its own clocks, and measured again by the next. Decides what is granted, never what a lease is worth.
/// </summary>
/// <param name="Max">So many tenures in a row that began unasked and did not last; 1 or more.</param>
/// <param name="StableAfter">A tenure under which the service ran for so long has lasted.</param>
public sealed record FlapDamping(int Max, TimeSpan StableAfter)
{
    /// <summary>What is to be journalled about the newest tenure: that the service was seen to start under it, or to last.</summary>
    internal OwnershipEvent? Note(OwnershipState state, Instant now)
    {
        var tenure = state.Record.Tenure;
        if (state.Record.OpenGrant is not { } grant || state.Running is not { } running || running.Tenure != tenure)
        {
            return null;
        }

        if (state.Record.StartedTenure < tenure)
        {
            return new OwnershipStarted(DateTimeOffset.UnixEpoch, tenure, grant.Node);
        }

        var hasNothingToSettle = state.Record is { Flaps: 0, Damped: null } && state.Record.Failback?.To != grant.Node
            && !(state.Record.Together is { Outcome: UnaskedMoveOutcome.Arrived } together && together.To == grant.Node);
        return hasNothingToSettle || now.ShortestSince(running.Since) < StableAfter
            ? null
            : new OwnershipSettled(DateTimeOffset.UnixEpoch, tenure, grant.Node);
    }

    /// <summary>Whether nothing more is to be granted until somebody has looked. A move is asked for, and so are the epochs that it takes.</summary>
    internal bool IsDue(OwnershipRecord record) => record is { Damped: null, Move: null } && record.Flaps >= Max;

    /// <summary>
    /// A tenure is one life of the service: when it runs under the same tenure at two moments, it ran all the time between, whether or not
    /// its node was heard of.
    /// </summary>
    internal static RunningSince? Watch(OwnershipState state, NodeReport report, Instant now)
    {
        if (state.Record.OpenGrant is not { } grant || grant.Node != report.Node || grant.Epoch != report.Epoch)
        {
            return state.Running;
        }

        return report.Phase is not LeasePhase.Running ? null
            : state.Running is { } running && running.Tenure == state.Record.Tenure ? running
            : new RunningSince(state.Record.Tenure, now);
    }
}

/// <summary>Since when one incarnation knows that the service runs under a tenure.</summary>
public sealed record RunningSince(long Tenure, Instant Since);
