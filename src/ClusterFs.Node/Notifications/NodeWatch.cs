using System.Collections.Immutable;
using Akka.Actor;
using Akka.Cluster;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Cluster;
using ClusterFs.Ownership.SplitBrain;

namespace ClusterFs.Node.Notifications;

/// <summary>
/// Has somebody told which nodes are lost and which are back: once, by the member of longest standing. A leader would not do: it is the first by address, which
/// a daemon that has just come back, and knows nothing of what was told, can be.
/// </summary>
internal sealed class NodeWatch(ActorSystem system, Settings settings, ClusterClaim claim, NodeBoard board, Notifier notifier, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Membership _membership = new(system, settings);

    public async Task RunAsync(CancellationToken cancellation)
    {
        if (settings.Notify is not { } notify)
        {
            return;
        }

        var cluster = Akka.Cluster.Cluster.Get(system);
        var absences = new Absences(settings.Node.Name, notify.NodeLostAfter);
        using var timer = new PeriodicTimer(LookEvery, time);
        string? said = null;
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false))
        {
            try
            {
                Look(absences, cluster);
                said = null;
            }
#pragma warning disable CA1031 // Whatever it is: a daemon that tells less goes on, and runs services.
            catch (Exception problem)
#pragma warning restore CA1031
            {
                if (said != problem.Message)
                {
                    log.NodesNotLookedAt(problem);
                    said = problem.Message;
                }
            }
        }
    }

    /// <summary>Half of the nodes go on where the claim, in the journal's database, is theirs.</summary>
    /// <param name="otherHolder">Another node, which has the claim.</param>
    internal static bool GoesOn(ImmutableArray<ClusterFs.Api.MemberStatus> members, bool isHolder, string? otherHolder) =>
        Membership.HasQuorum(members) || isHolder || members.Any(member => member.Name == otherHolder && member is { Status: "up", Reachable: true });

    private void Look(Absences absences, Akka.Cluster.Cluster cluster)
    {
        var (now, at) = (GuardClock.Now, time.GetUtcNow());
        if (absences.LookAtGuard(board.GuardProblem, now, at) is { } ofGuard)
        {
            notifier.Tell(ofGuard);
        }

        if (cluster.IsTerminated)
        {
            return;
        }

        var members = _membership.Look();
        var isHolder = claim.IsHeld;
        var tells = Membership.HasQuorum(members) ? IsOldest(cluster) : isHolder;
        foreach (var ofNode in absences.LookAtNodes(members, GoesOn(members, isHolder, claim.Other), tells, now, at))
        {
            notifier.Tell(ofNode);
        }
    }

    private static bool IsOldest(Akka.Cluster.Cluster cluster)
    {
        var reached = cluster.State.Members.Except(cluster.State.Unreachable).Where(member => member.Status is MemberStatus.Up or MemberStatus.Leaving).ToList();
        return reached.Count > 0 && reached.Aggregate((one, other) => one.IsOlderThan(other) ? one : other).UniqueAddress.Equals(cluster.SelfUniqueAddress);
    }
}
