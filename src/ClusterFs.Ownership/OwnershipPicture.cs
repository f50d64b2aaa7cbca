using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership;

/// <summary>What people are told of a service's ownership: a pure function of its state.</summary>
internal static class OwnershipPicture
{
    public static OwnershipView Draw(OwnershipState state, IEnumerable<NodeSight> sights, Instant now)
    {
        var record = state.Record;
        var candidates = state.Settings.Nodes.Where(node => OwnershipMachine.IsCandidate(state, node, now)).ToArray();
        var (stage, reason) = Stage(state, candidates, now);
        return new OwnershipView(
            state.Settings.Service,
            stage,
            record.OpenGrant?.Node,
            record.Epoch,
            record.Tenure,
            candidates,
            reason,
            record.Move?.To,
            record.Paused,
            [.. sights.OrderBy(sight => sight.Node, StringComparer.Ordinal)])
        {
            Damped = record.Damped is not null,
        };
    }

    /// <summary>How far it is, and why it is not owned.</summary>
    public static (OwnershipStage Stage, string? Reason) Stage(OwnershipState state, string[] candidates, Instant now)
    {
        var record = state.Record;
        if (record is { Damped: { } damped, Move: null } && !OwnershipMachine.OwnerRuns(state, now))
        {
            return (
                OwnershipStage.Paused,
                $"it was started {damped.Starts} times and never stayed up: left alone until `clusterfs resume {state.Settings.Service}`");
        }

        if (OwnershipMachine.HeldBack(state) is HoldBack.Waits && candidates.Length > 0 && !record.Paused
            && (record.OpenGrant is null || OwnershipMachine.HasExpired(state, now) || (record.OpenFencing is not null && !OwnershipMachine.OwnerRuns(state, now))))
        {
            return (OwnershipStage.Vacant, CompanyWords.Waits(state));
        }

        // A fence that met a living owner was broken off: the owner goes on.
        if (record.OpenFencing is { } fencing && !(state.Fencing is null && OwnershipMachine.OwnerRuns(state, now)))
        {
            return candidates.Length == 0
                ? (OwnershipStage.Vacant, Waiting(state))
                : (OwnershipStage.Fencing, $"waiting until no older promise runs, before epoch {fencing.Epoch} is granted");
        }

        if (record.OpenGrant is not { } grant)
        {
            return record.Paused ? (OwnershipStage.Paused, "paused: nothing is granted until resumed")
                : candidates.Length == 0 ? (OwnershipStage.Vacant, Waiting(state))
                : (OwnershipStage.Fencing, "about to be granted");
        }

        // Held back, or wanted by nobody: its lease has run out, and nothing is fenced for that yet.
        if (OwnershipMachine.HasExpired(state, now))
        {
            return record.Paused ? (OwnershipStage.Paused, $"its lease on {grant.Node} has ended, and it is paused: nothing is granted until resumed")
                : candidates.Length == 0 ? (OwnershipStage.Vacant, Waiting(state))
                : (OwnershipStage.Fencing, $"its lease on {grant.Node} has ended; the next epoch is about to be fenced");
        }

        if (!OwnershipMachine.IsHeard(state, grant.Node, now))
        {
            return (OwnershipStage.Owned, $"the daemon of {grant.Node} does not answer; its lease is looked after by the voters");
        }

        var heard = state.Reports[grant.Node];
        if (heard.Report.Epoch < grant.Epoch)
        {
            return (OwnershipStage.Restoring, $"{grant.Node} is being told");
        }

        return heard.Report.Phase switch
        {
            LeasePhase.Acquiring => (OwnershipStage.Restoring, "waiting for a majority of voters"),
            LeasePhase.Held => (OwnershipStage.Restoring, "the content is being put in place"),
            LeasePhase.Running => (OwnershipStage.Owned, null),
            LeasePhase.Draining or LeasePhase.Drained => (OwnershipStage.Draining, heard.Report.Reason),
            LeasePhase.Stopping or LeasePhase.Closed => (OwnershipStage.Draining, heard.Report.Reason),
            null => (OwnershipStage.Owned, $"the guard of {grant.Node} does not answer its daemon"),
            _ => throw new ArgumentOutOfRangeException(nameof(state), heard.Report.Phase, "unknown phase"),
        };
    }

    private static string Waiting(OwnershipState state) =>
        $"nothing waits for it: start `clusterfs run` or `hold` on one of {string.Join(", ", state.Settings.Nodes)}";
}
