using System.Globalization;
using ClusterFs.Lease;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership.Notifications;

/// <summary>
/// Finds the beginnings of states that somebody may want to be told of: each once, and again only after it was over. What is there when a node is
/// heard of for the first time was told by whoever watched before. Not thread-safe.
/// </summary>
internal sealed class NotificationWatch(NotificationLimits limits)
{
    private readonly Dictionary<string, int> _counted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> _failed = new(StringComparer.Ordinal);
    private int? _divergent;
    private bool _lostTold;
    private Instant? _vacantSince;
    private bool _vacantTold;
    private bool _overdueTold;

    /// <param name="view">As it is now.</param>
    /// <param name="at">By the wall clock, for people.</param>
    public IReadOnlyList<Notification> Look(OwnershipView view, Instant now, DateTimeOffset at)
    {
        var found = new List<Notification>();
        LookForLoss(view, at, found);
        LookForOwner(view, now, at, found);
        LookAtDumps(view, at, found);
        foreach (var sight in view.Sights)
        {
            LookAtDivergent(view, sight, at, found);
            LookAtRehearsal(view, sight, at, found);
        }

        return found;
    }

    /// <summary>Whether an event of the journal is still to be told: a loss that nobody could be fenced for was seen here before.</summary>
    public bool Admits(Notification happened)
    {
        var isAgain = happened.Kind == NotificationKind.Lost && _lostTold;
        _lostTold = happened.Kind switch
        {
            NotificationKind.Lost => true,
            NotificationKind.Failover or NotificationKind.Moved or NotificationKind.Started => false,
            _ => _lostTold,
        };
        return !isAgain;
    }

    /// <summary>While no other node wants the service nothing is fenced, so the journal has nothing of it.</summary>
    private void LookForLoss(OwnershipView view, DateTimeOffset at, List<Notification> found)
    {
        if (view is { Owner: { } owner, Damped: false, Stage: OwnershipStage.Vacant or OwnershipStage.Paused })
        {
            if (!_lostTold)
            {
                found.Add(new Notification(
                    NotificationKind.Lost, view.Service, owner, view.Epoch, null, $"the lease of {owner} ran out{Because(view)}", at));
            }

            _lostTold = true;
        }
        else if (view.Stage is not (OwnershipStage.Vacant or OwnershipStage.Fencing or OwnershipStage.Paused))
        {
            _lostTold = false;
        }
    }

    private void LookForOwner(OwnershipView view, Instant now, DateTimeOffset at, List<Notification> found)
    {
        if (view.Stage is not (OwnershipStage.Vacant or OwnershipStage.Fencing) || view.Paused || view.Damped)
        {
            (_vacantSince, _vacantTold) = (null, false);
            return;
        }

        _vacantSince ??= now;
        if (!_vacantTold && now.ShortestSince(_vacantSince.Value) >= limits.VacantAfter)
        {
            _vacantTold = true;
            found.Add(new Notification(
                NotificationKind.Vacant, view.Service, null, view.Epoch, null,
                $"no node has owned it for {Seconds(limits.VacantAfter)}{Because(view)}", at));
        }
    }

    private void LookAtDumps(OwnershipView view, DateTimeOffset at, List<Notification> found)
    {
        var owner = view.Stage == OwnershipStage.Owned ? view.Sights.FirstOrDefault(sight => sight.Node == view.Owner) : null;
        var isOverdue = owner is { AtRiskKnown: true } && owner.AtRiskSeconds >= limits.OverdueAfter.TotalSeconds;
        if (isOverdue && !_overdueTold)
        {
            found.Add(new Notification(
                NotificationKind.DumpOverdue, view.Service, owner!.Node, view.Epoch, null,
                $"what {owner.Node} writes has been in no dump for {Seconds(TimeSpan.FromSeconds(owner.AtRiskSeconds))}{(owner.DumpProblem is { } problem ? $": {problem}" : "")}", at));
        }

        _overdueTold = isOverdue;
    }

    /// <summary>
    /// All nodes count the same archive, some of them sooner: a count that has changed and is above the newest known is told, whoever has it first. One that
    /// is the same as before says nothing, because it may be old. Who kept it is in no count.
    /// </summary>
    private void LookAtDivergent(OwnershipView view, NodeSight sight, DateTimeOffset at, List<Notification> found)
    {
        var wasKnown = _counted.TryGetValue(sight.Node, out var before);
        if (sight.Divergent == NodeSight.NotLooked || (wasKnown && sight.Divergent == before))
        {
            return;
        }

        _counted[sight.Node] = sight.Divergent;
        if (sight.Divergent > _divergent)
        {
            found.Add(new Notification(
                NotificationKind.Divergent, view.Service, null, view.Epoch, null,
                $"what a node had written and not dumped is kept: see 'clusterfs divergent list {view.Service}'", at));
        }

        if (_divergent is not { } newest || sight.Divergent > newest || (wasKnown && sight.Divergent < before))
        {
            _divergent = sight.Divergent;
        }
    }

    /// <summary>A daemon that has just started shows no rehearsal, and then the one before its start: that one was told.</summary>
    private void LookAtRehearsal(OwnershipView view, NodeSight sight, DateTimeOffset at, List<Notification> found)
    {
        if (!_failed.TryGetValue(sight.Node, out var before))
        {
            _failed[sight.Node] = sight.Rehearsal?.FailedAt ?? at;
            return;
        }

        if (sight.Rehearsal is { FailedAt: { } failedAt } rehearsal && failedAt > before)
        {
            _failed[sight.Node] = failedAt;
            found.Add(new Notification(
                NotificationKind.RehearsalFailed, view.Service, sight.Node, view.Epoch, null, $"a rehearsal on {sight.Node} did not go well: {rehearsal.Problem}", at));
        }
    }

    private static string Because(OwnershipView view) => view.Reason is { } reason ? $": {reason}" : "";

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s");
}
