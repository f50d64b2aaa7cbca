using System.Globalization;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;

namespace ClusterFs.Simulation;

/// <summary>
/// What is true of the lease, seen from outside and in true time, and what must never be. Whatever a node does that the others rest on is
/// entered here when it happens.
/// </summary>
public sealed class Ledger(World world)
{
    private readonly Dictionary<string, Valid> _valid = new(StringComparer.Ordinal);
    private readonly HashSet<(string Node, long Epoch)> _closed = [];
    private readonly Dictionary<long, string> _granted = [];
    private (string Node, long Epoch)? _running;
    private long _highestIntent;
    private long _highestGrant;
    private long _fencedBelow;
    private long _highestValid;
    private long _highestStarted;
    private bool _moving;
    private long _tenure;
    private (long Epoch, int Content) _ended;

    public int Grants { get; private set; }

    public int Moves { get; private set; }

    public int Handovers { get; private set; }

    public long Starts { get; private set; }

    public (string Node, long Epoch)? Running => _running;

    /// <summary>From here on nothing happens that a healthy owner may be stopped for.</summary>
    public string? HealthyDespite { get; set; }

    private string? LastOwner { get; set; }

    public void Journalled(OwnershipEvent happened)
    {
        world.Schedule.Mix(1);
        switch (happened)
        {
            case FencingBegun fencing:
                _highestIntent = Math.Max(_highestIntent, fencing.Epoch);
                if (fencing.Cause == GrantCause.Failover && HealthyDespite is { } despite && _running is { } healthy)
                {
                    Violated($"a healthy owner is to be fenced: {healthy.Node}, epoch {healthy.Epoch}, while {despite}");
                }

                break;
            case OwnershipGranted grant:
                _moving = false;
                Granted(grant);
                break;
            case MoveBegun:
                _moving = true;
                break;
            case MoveAbandoned:
                _moving = false;
                break;
            case OwnershipContinued continued:
                Once(continued.Epoch, continued.Node);
                if (Other(continued.Node) is { } other)
                {
                    Violated($"granted too early: epoch {continued.Epoch} to {continued.Node}, in place, while {other.Node} has a valid lease under epoch {other.Epoch}");
                }

                break;
        }
    }

    /// <summary>Floors rise only after the intent is journalled (R12).</summary>
    public void FloorRose(string voter, Binding floor)
    {
        world.Schedule.Mix(floor.Epoch);
        if (floor.Epoch > _highestIntent)
        {
            Violated($"no intent was journalled: voter {voter} raised its floor to {floor}, and the journal knows of epochs up to {_highestIntent}");
        }
    }

    /// <summary>A node uses a grant.</summary>
    public void Consumed(string node, long epoch)
    {
        world.Schedule.Mix(epoch);
        if (_granted.GetValueOrDefault(epoch) != node)
        {
            Violated($"heard before persisted: {node} uses epoch {epoch}, which the journal does not grant to it");
        }
    }

    /// <summary>A node's lease, after every step of its holder.</summary>
    public void Seen(Host host, HeldLease lease)
    {
        var node = host.Name;
        if (lease.Phase == LeasePhase.Closed)
        {
            Over(node);
            _ = _closed.Add((node, lease.Epoch));
            return;
        }

        if (lease.ValidUntil is not { } until || (_valid.TryGetValue(node, out var known) && known.Epoch == lease.Epoch && known.Until == until))
        {
            return;
        }

        world.Schedule.Mix(lease.Epoch);
        if (until.MayHaveComeBy(host.Now))
        {
            return;
        }

        if (Other(node) is { } other)
        {
            Violated($"two leases: {node} has one under epoch {lease.Epoch} while that of {other.Node} under epoch {other.Epoch} is valid");
        }

        if (_closed.Contains((node, lease.Epoch)))
        {
            Violated($"a closed epoch is used again: {node} has a lease under epoch {lease.Epoch}");
        }

        if (lease.Epoch < _highestValid)
        {
            Violated($"epochs fell: {node} has a lease under epoch {lease.Epoch} after one under epoch {_highestValid} was valid");
        }

        if (lease.Epoch < _fencedBelow)
        {
            Violated($"a fenced epoch lives: {node} has a lease under epoch {lease.Epoch} after epoch {_fencedBelow} was granted");
        }

        _highestValid = lease.Epoch;
        _valid[node] = new Valid(host, node, lease.Epoch, lease.Tenure, until);
    }

    /// <summary>Nothing of a node can write any more, whatever it was promised.</summary>
    public void Over(string node) => _valid.Remove(node);

    /// <summary>Disk and memory are gone: what the node once closed, it cannot know.</summary>
    public void Forgotten(string node)
    {
        Over(node);
        _closed.RemoveWhere(closed => closed.Node == node);
    }

    public void Started(Host host, long epoch)
    {
        world.Schedule.Mix(epoch);
        world.Trace.Write(host.Name, string.Create(CultureInfo.InvariantCulture, $"the service starts under epoch {epoch}"));
        if (_running is { } other)
        {
            Violated($"two writers: {host.Name} starts under epoch {epoch} while {other.Node} writes under epoch {other.Epoch}");
        }

        if (!_valid.TryGetValue(host.Name, out var valid) || valid.Tenure != epoch || valid.Until.MayHaveComeBy(host.Now))
        {
            Violated($"a start without a lease: {host.Name} starts under epoch {epoch}");
        }

        if (epoch <= _highestStarted)
        {
            Violated($"an epoch starts once: {host.Name} starts under epoch {epoch} after epoch {_highestStarted}");
        }

        _highestStarted = epoch;
        _running = (host.Name, epoch);
        Starts++;
        if (LastOwner is { } last && last != host.Name)
        {
            Handovers++;
        }

        LastOwner = host.Name;
    }

    public void Ended(Host host, long epoch)
    {
        if (_running != (host.Name, epoch))
        {
            return;
        }

        world.Trace.Write(host.Name, string.Create(CultureInfo.InvariantCulture, $"the service of epoch {epoch} is dead"));
        _running = null;
        _ended = (epoch, world.Named(host.Name).Content.Content);
        if (HealthyDespite is { } despite && !_moving)
        {
            Violated($"a healthy owner was interrupted: {host.Name}, epoch {epoch}, while {despite}");
        }
    }

    public void Violated(string what)
    {
        if (world.Scenario.Watched.IsEmpty || world.Scenario.Watched.Contains(Shrinker.KindOf(what)))
        {
            throw new ViolationException(string.Create(CultureInfo.InvariantCulture, $"{what} (at {world.Now.TotalSeconds:F4} s)"));
        }
    }

    private void Granted(OwnershipGranted grant)
    {
        Once(grant.Epoch, grant.Node);
        if (Other(null) is { } other)
        {
            Violated($"granted too early: epoch {grant.Epoch} to {grant.Node} while {other.Node} has a valid lease under epoch {other.Epoch}");
        }

        if (grant.Cause == GrantCause.Move && _ended.Epoch == _tenure && !world.Shared.IsInTheLine(_ended.Content))
        {
            Violated($"a move lost something: epoch {grant.Epoch} is granted to {grant.Node}, and what was written last under epoch {_tenure} is not in the line");
        }

        _tenure = grant.Epoch;
        _fencedBelow = grant.Epoch;
        Grants++;
        Moves += grant.Cause == GrantCause.Move ? 1 : 0;
    }

    private void Once(long epoch, string node)
    {
        if (epoch <= _highestGrant)
        {
            Violated($"an epoch is granted once: {epoch} to {node}, after {_highestGrant} to {_granted.GetValueOrDefault(_highestGrant)}");
        }

        _highestGrant = epoch;
        _highestIntent = Math.Max(_highestIntent, epoch);
        _granted[epoch] = node;
    }

    private Valid? Other(string? node)
    {
        foreach (var valid in _valid.Values)
        {
            if (valid.Node != node && !valid.Until.MayHaveComeBy(valid.Host.Now))
            {
                return valid;
            }
        }

        return null;
    }

    private sealed record Valid(Host Host, string Node, long Epoch, long Tenure, Instant Until);
}
