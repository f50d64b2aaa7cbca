using System.Globalization;
using ClusterFs.Api;
using ClusterFs.Lease;
using ClusterFs.Ownership.Notifications;

namespace ClusterFs.Node.Notifications;

/// <summary>
/// Finds the nodes whose daemon has not been reached for long, and those that are back: each once. Every daemon counts, so that whoever is the one to tell
/// knows what was told before it; a node that this daemon has never reached counts for nothing, because somebody else has told it. Not thread-safe.
/// </summary>
/// <param name="self">This node.</param>
/// <param name="lostAfter">How long a node may be away before that is an event.</param>
internal sealed class Absences(string self, TimeSpan lostAfter)
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Absence> _away = new(StringComparer.Ordinal);
    private Absence? _guard;

    /// <param name="members">The configured nodes, as this node sees them now.</param>
    /// <param name="counts">This node is on the side of the cluster that goes on: from the other one everybody looks lost.</param>
    /// <param name="tells">This node is the one that tells what is of other nodes.</param>
    public IReadOnlyList<Notification> LookAtNodes(IEnumerable<MemberStatus> members, bool counts, bool tells, Instant now, DateTimeOffset at)
    {
        var found = new List<Notification>();
        foreach (var node in members.Where(member => member.Name != self))
        {
            if (!counts)
            {
                Forget(node.Name);
            }
            else if (IsThere(node))
            {
                LookAtPresent(node.Name, tells, now, at, found);
            }
            else if (_seen.Contains(node.Name))
            {
                LookAtAbsent(node, tells, now, at, found);
            }
        }

        return found;
    }

    /// <summary>Told by the daemon of the same node alone, and of a guard that has never answered it too: nobody else can know.</summary>
    /// <param name="problem">Why the guard does not answer; null when it does.</param>
    public Notification? LookAtGuard(string? problem, Instant now, DateTimeOffset at)
    {
        if (problem is null)
        {
            var was = _guard;
            _guard = null;
            return was is { Counted: true } ? Tell(NotificationKind.GuardBack, self, $"the guard of {self} answers its daemon again, after {Seconds(was, now)}", at) : null;
        }

        _guard ??= new Absence(now);
        if (_guard.Counted || now.ShortestSince(_guard.Since) < lostAfter)
        {
            return null;
        }

        _guard = _guard with { Counted = true };
        return Tell(NotificationKind.GuardLost, self, $"the guard of {self} has not answered its daemon for {Seconds(_guard, now)}: {problem}", at);
    }

    private void LookAtPresent(string node, bool tells, Instant now, DateTimeOffset at, List<Notification> found)
    {
        _ = _seen.Add(node);
        if (_away.Remove(node, out var was) && was.Counted && tells)
        {
            found.Add(Tell(NotificationKind.NodeBack, node, $"the daemon of {node} is back after {Seconds(was, now)}", at));
        }
    }

    private void LookAtAbsent(MemberStatus node, bool tells, Instant now, DateTimeOffset at, List<Notification> found)
    {
        var absence = _away.GetValueOrDefault(node.Name) ?? new Absence(now);
        var isNew = !absence.Counted && now.ShortestSince(absence.Since) >= lostAfter;
        _away[node.Name] = absence with { Counted = absence.Counted || isNew };
        if (isNew && tells)
        {
            var how = node.Status == "unknown" ? "it is no member of the cluster any more" : "the cluster does not reach it";
            found.Add(Tell(NotificationKind.NodeLost, node.Name, $"the daemon of {node.Name} has been away for {Seconds(absence, now)}: {how}", at));
        }
    }

    /// <summary>How long it was away is not known by whoever was away itself; that it was lost is.</summary>
    private void Forget(string node)
    {
        if (_away.TryGetValue(node, out var absence) && !absence.Counted)
        {
            _ = _away.Remove(node);
        }
    }

    /// <summary>One that joins does not count yet when it is decided who goes on.</summary>
    private static bool IsThere(MemberStatus node) => node is { Status: "up", Reachable: true };

    private static Notification Tell(NotificationKind kind, string node, string text, DateTimeOffset at) => new(kind, null, node, 0, null, text, at);

    private static string Seconds(Absence absence, Instant now) => string.Create(CultureInfo.InvariantCulture, $"{now.ShortestSince(absence.Since).TotalSeconds:0} s");

    /// <param name="Counted">It has lasted for so long that it was told, by this node or another.</param>
    private sealed record Absence(Instant Since)
    {
        public bool Counted { get; init; }
    }
}
