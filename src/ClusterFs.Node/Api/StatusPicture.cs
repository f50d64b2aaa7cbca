using System.Collections.Immutable;
using System.Globalization;
using ClusterFs.Api;
using ClusterFs.Lease.Holder;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Api;

/// <summary>Puts together what one node says of a service: what the ownership actor knows, and what this node sees itself. Pure.</summary>
internal static class StatusPicture
{
    /// <param name="view">Of the ownership actor, fresh or as last heard; null for never.</param>
    /// <param name="viewIsFresh">Whether it answered just now.</param>
    /// <param name="local">Of this node's agent; null where the service may not run on this node.</param>
    /// <param name="capture">As configured.</param>
    /// <param name="silentAfter">A node that has said nothing for longer is taken for away.</param>
    public static ServiceStatus Draw(
        string service, string node, OwnershipView? view, bool viewIsFresh, ServiceSnapshot? local, string capture, TimeSpan silentAfter)
    {
        var owner = view?.Owner;
        var sight = owner is null ? null : view!.Sights.FirstOrDefault(candidate => candidate.Node == owner);
        if (owner == node && local is not null)
        {
            // Nobody knows better than the owner's own agent.
            sight = local.Sight;
        }

        return new ServiceStatus(
            service,
            view is null ? StateFrom(local?.Guard) : StateFrom(view.Stage),
            owner ?? (view is null && local?.Guard?.OpenTenure is not null ? node : null),
            Math.Max(view?.Epoch ?? 0, local?.Guard?.Epoch ?? 0),
            local?.Guard is { OpenTenure: not null } ? local.Sight.LeaseRemainingMs : null,
            NewestDump(view, local),
            sight is { AtRiskKnown: true } ? new RiskStatus(sight.AtRiskSeconds, sight.AtRiskBytes) : null,
            Standbys(node, owner, view, local, silentAfter),
            Math.Max(local?.Divergent ?? 0, view?.Sights.Select(candidate => candidate.Divergent).DefaultIfEmpty().Max() ?? 0),
            view?.Paused ?? false,
            Reason(view, viewIsFresh, sight),
            local?.Guard is { } guard ? Phase(guard) : null,
            Health(owner == node || owner is null ? local : null, sight, capture))
        {
            Damped = view?.Damped ?? false,
            Rehearsals = Rehearsals(node, owner, view, local),
        };
    }

    /// <summary>The newest dump that the node has heard of.</summary>
    internal static DumpPoint? NewestDump(OwnershipView? view, ServiceSnapshot? local)
    {
        var seen = (view?.Sights ?? [])
            .Where(sight => sight.LastDumpSlot > 0)
            .Select(sight => new DumpPoint(sight.LastDumpEpoch, sight.LastDumpSlot, sight.LastDumpAt ?? default, sight.LastDumpBytes));
        if (local?.Newest is { } newest)
        {
            seen = seen.Append(new DumpPoint(newest.Epoch, newest.Slot, newest.At, newest.Bytes));
        }

        return seen.MaxBy(dump => dump.Sequence);
    }

    private static ImmutableArray<StandbyStatus> Standbys(
        string node, string? owner, OwnershipView? view, ServiceSnapshot? local, TimeSpan silentAfter)
    {
        var newest = NewestDump(view, local);
        return
        [
            .. Others(node, owner, view, local)
                .Where(sight => sight.StandbySlot > 0 || sight.StandbyProblem is not null)
                .Select(sight => new StandbyStatus(sight.Node, sight.StandbySlot, StandbyLag(sight, newest), RehearsedIn(sight.Rehearsal))
                {
                    Problem = sight.AgeSeconds > silentAfter.TotalSeconds
                        ? string.Create(CultureInfo.InvariantCulture, $"{sight.Node} has said nothing for {sight.AgeSeconds:0} s")
                        : sight.StandbyProblem,
                }),
        ];
    }

    private static ImmutableArray<RehearsalStatus> Rehearsals(string node, string? owner, OwnershipView? view, ServiceSnapshot? local) =>
    [
        .. Others(node, owner, view, local)
            .Where(sight => sight.Rehearsal is not null)
            .Select(sight => (sight.Node, Seen: sight.Rehearsal!))
            .Select(one => new RehearsalStatus(one.Node, one.Seen.PassedSlot, one.Seen.PassedAt, RehearsedIn(one.Seen), one.Seen.Checked)
            {
                Problem = one.Seen.Problem,
                FailedAt = one.Seen.FailedAt,
                UnderWay = one.Seen.UnderWay,
                Hangs = one.Seen.Hangs,
            }),
    ];

    private static double? RehearsedIn(RehearsalSight? seen) => seen is { PassedSlot: > 0 } ? seen.PassedSeconds : null;

    /// <summary>What the nodes say that do not own the service, by name. Of this node, its own agent knows more than the ownership actor has heard.</summary>
    private static IEnumerable<NodeSight> Others(string node, string? owner, OwnershipView? view, ServiceSnapshot? local)
    {
        var sights = (view?.Sights ?? []).Where(sight => local is null || sight.Node != node);
        if (local is not null)
        {
            sights = sights.Append(local.Sight);
        }

        return sights.Where(sight => sight.Node != owner).OrderBy(sight => sight.Node, StringComparer.Ordinal);
    }

    /// <summary>By how many seconds a node's copy is older; null where it has none.</summary>
    internal static double? StandbyLag(NodeSight sight, DumpPoint? newest) => sight is not { StandbySlot: > 0, StandbyAt: { } at } ? null
        : newest is null || newest.Sequence <= sight.StandbySlot ? 0
        : Math.Round(Math.Max(0, (newest.At - at).TotalSeconds), 3);

    private static string? Reason(OwnershipView? view, bool viewIsFresh, NodeSight? sight)
    {
        var words = new List<string>();
        if (view is null)
        {
            words.Add("its ownership actor does not answer; this is what this node sees");
        }
        else
        {
            if (view.Reason is { } reason)
            {
                words.Add(reason);
            }

            if (view.MovingTo is { } target)
            {
                words.Add($"moving to {target}");
            }

            if (!viewIsFresh)
            {
                words.Add("its ownership actor does not answer; this is what it said last");
            }
        }

        if (sight?.Activity is { } activity && view?.Stage is OwnershipStage.Restoring or OwnershipStage.Draining)
        {
            words.Add(activity);
        }

        if (sight?.DumpProblem is { } problem)
        {
            words.Add(problem);
        }

        return words.Count == 0 ? null : string.Join("; ", words);
    }

    private static DumpHealth? Health(ServiceSnapshot? local, NodeSight? sight, string capture) =>
        local is not null ? new DumpHealth(local.Dumps.Ok, local.Dumps.Error, local.Dumps.LastErrorAt, capture, local.Dumps.Guarantee)
        {
            Warning = local.Dumps.Warning,
            Kept = local.Dumps.Kept is { } kept ? new KeptStatus(kept.Files, kept.Bytes, kept.WhyNot) : null,
        }
        : sight is not null ? new DumpHealth(sight.DumpProblem is null, sight.DumpProblem, null, capture, null)
        : null;

    private static PhaseStatus Phase(GuardReport guard) =>
        new(guard.Phase is { } phase ? phase.ToString().ToLowerInvariant() : "none", guard.Wanted, guard.Process, guard.ExitCode)
        {
            Frozen = guard.IsFrozen,
            AddressesOn = guard.AddressesOn,
            AddressProblem = guard.AddressProblem,
        };

    private static ServiceState StateFrom(OwnershipStage stage) => stage switch
    {
        OwnershipStage.Vacant => ServiceState.Vacant,
        OwnershipStage.Fencing => ServiceState.Fencing,
        OwnershipStage.Restoring => ServiceState.Restoring,
        OwnershipStage.Owned => ServiceState.Owned,
        OwnershipStage.Draining => ServiceState.Draining,
        OwnershipStage.Paused => ServiceState.Paused,
        _ => throw new ArgumentOutOfRangeException(nameof(stage), stage, "unknown stage"),
    };

    private static ServiceState StateFrom(GuardReport? guard) => guard?.Phase switch
    {
        null or LeasePhase.Closed => ServiceState.Vacant,
        LeasePhase.Acquiring or LeasePhase.Held => ServiceState.Restoring,
        LeasePhase.Running => ServiceState.Owned,
        LeasePhase.Draining or LeasePhase.Drained or LeasePhase.Stopping => ServiceState.Draining,
        _ => throw new ArgumentOutOfRangeException(nameof(guard), guard.Phase, "unknown phase"),
    };
}
