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
    private readonly Dictionary<string, int> _divergent = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset?> _failed = new(StringComparer.Ordinal);
    private Instant? _vacantSince;
    private bool _vacantTold;
    private bool _overdueTold;

    /// <param name="view">As it is now.</param>
    /// <param name="at">By the wall clock, for people.</param>
    public IReadOnlyList<Notification> Look(OwnershipView view, Instant now, DateTimeOffset at)
    {
        var found = new List<Notification>();
        LookForOwner(view, now, at, found);
        LookAtDumps(view, at, found);
        foreach (var sight in view.Sights)
        {
            LookAtDivergent(view, sight, at, found);
            LookAtRehearsal(view, sight, at, found);
        }

        return found;
    }

    private void LookForOwner(OwnershipView view, Instant now, DateTimeOffset at, List<Notification> found)
    {
        if (view.Owner is not null || view.Paused || view.Damped)
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
                $"no node has owned it for {Seconds(limits.VacantAfter)}{(view.Reason is { } reason ? $": {reason}" : "")}", at));
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

    private void LookAtDivergent(OwnershipView view, NodeSight sight, DateTimeOffset at, List<Notification> found)
    {
        if (_divergent.TryGetValue(sight.Node, out var before) && sight.Divergent > before)
        {
            found.Add(new Notification(
                NotificationKind.Divergent, view.Service, sight.Node, view.Epoch, null,
                $"{sight.Node} kept what it had written and not dumped: see 'clusterfs divergent list {view.Service}'", at));
        }

        _divergent[sight.Node] = sight.Divergent;
    }

    private void LookAtRehearsal(OwnershipView view, NodeSight sight, DateTimeOffset at, List<Notification> found)
    {
        var failedAt = sight.Rehearsal?.FailedAt;
        if (_failed.TryGetValue(sight.Node, out var before) && failedAt is not null && failedAt != before)
        {
            found.Add(new Notification(
                NotificationKind.RehearsalFailed, view.Service, sight.Node, view.Epoch, null, $"a rehearsal on {sight.Node} did not go well: {sight.Rehearsal!.Problem}", at));
        }

        _failed[sight.Node] = failedAt;
    }

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0} s");
}
