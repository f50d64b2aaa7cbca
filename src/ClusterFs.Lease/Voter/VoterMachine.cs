using System.Collections.Immutable;

namespace ClusterFs.Lease.Voter;

/// <summary>
/// One node's vote on every service's lease: a pure function of state, request and time. It raises floors, keeps promises, and forgets
/// only what a restart makes it forget, which it then waits out.
/// </summary>
public static class VoterMachine
{
    public static (VoterState State, ImmutableArray<VoterEffect> Effects) Handle(VoterState state, VoterRequest request, Instant now) =>
        request switch
        {
            Renew renew => OnRenew(state, renew, now),
            Probe probe => OnProbe(state, probe, now),
            Fence fence => OnFence(state, fence, now),
            Release release => OnRelease(state, release),
            Join join => OnJoin(state, join, now),
            _ => throw new ArgumentOutOfRangeException(nameof(request), request, "unknown request"),
        };

    private static (VoterState, ImmutableArray<VoterEffect>) OnRenew(VoterState state, Renew renew, Instant now)
    {
        var asked = new Binding(renew.Epoch, renew.Node);
        if (!state.Durable.Floors.TryGetValue(renew.Service, out var floor))
        {
            return (state, [Reply(RenewOutcome.Abstained, Binding.None)]);
        }

        if (renew.Epoch < floor.Epoch || (renew.Epoch == floor.Epoch && floor.Node is not null && floor.Node != renew.Node))
        {
            return (state, [Reply(RenewOutcome.BelowFloor, floor)]);
        }

        // A node that goes on under a higher epoch is hindered by no promise of its own (R13); two lives of a service on one node are the
        // business of that node's guard (R14).
        var promise = RunningPromise(state, renew.Service, now);
        if (promise is { } running && (running.To.Node != renew.Node || running.To.Epoch > renew.Epoch))
        {
            return (state, [Reply(RenewOutcome.Promised, floor)]);
        }

        // A restart forgot whom this voter had promised. It can only have been the node on disk; a floor that names none tells nothing (R1).
        if (promise is null && InAmnesia(state, renew.Service, now) && floor.Node != renew.Node)
        {
            return (state, [Reply(RenewOutcome.Promised, floor)]);
        }

        var effects = ImmutableArray.CreateBuilder<VoterEffect>(2);
        var durable = state.Durable;
        if (floor != asked || renew.Ttl > durable.LongestTtl)
        {
            durable = durable with
            {
                Floors = durable.Floors.SetItem(renew.Service, asked),
                LongestTtl = renew.Ttl > durable.LongestTtl ? renew.Ttl : durable.LongestTtl,
            };
            effects.Add(new PersistVoter(durable));
        }

        effects.Add(Reply(RenewOutcome.Acked, asked));
        return (
            state with { Durable = durable, Promises = state.Promises.SetItem(renew.Service, new Promise(asked, Later(promise, now + renew.Ttl))) },
            effects.ToImmutable());

        Answer Reply(RenewOutcome outcome, Binding known) =>
            new(new RenewReply(renew.Service, state.Name, renew.Epoch, renew.Node, renew.Round, outcome, known));
    }

    private static (VoterState, ImmutableArray<VoterEffect>) OnProbe(VoterState state, Probe probe, Instant now)
    {
        var joined = state.Durable.Floors.TryGetValue(probe.Service, out var floor);
        return (state, [new Answer(new ProbeReply(
            probe.Service, state.Name, state.Durable.Identity, probe.Nonce, !joined, floor, Remaining(state, probe.Service, now)))]);
    }

    private static (VoterState, ImmutableArray<VoterEffect>) OnFence(VoterState state, Fence fence, Instant now)
    {
        if (!state.Durable.Floors.TryGetValue(fence.Service, out var floor))
        {
            return (state, [Reply(state, FenceOutcome.Abstained, Binding.None)]);
        }

        if (floor.Epoch > fence.Epoch || (floor.Epoch == fence.Epoch && floor.Node is not null))
        {
            return (state, [Reply(state, FenceOutcome.BelowFloor, floor)]);
        }

        if (!fence.OverPromises && Remaining(state, fence.Service, now) > TimeSpan.Zero)
        {
            return (state, [Reply(state, FenceOutcome.Promised, floor)]);
        }

        var raised = new Binding(fence.Epoch, null);
        if (floor == raised)
        {
            return (state, [Reply(state, FenceOutcome.Raised, raised)]);
        }

        var risen = state with { Durable = state.Durable with { Floors = state.Durable.Floors.SetItem(fence.Service, raised) } };
        return (risen, [new PersistVoter(risen.Durable), Reply(risen, FenceOutcome.Raised, raised)]);

        Answer Reply(VoterState after, FenceOutcome outcome, Binding known) => new(new FenceReply(
            fence.Service, after.Name, after.Durable.Identity, fence.Nonce, fence.Epoch, outcome, known, Remaining(after, fence.Service, now)));
    }

    private static (VoterState, ImmutableArray<VoterEffect>) OnRelease(VoterState state, Release release)
    {
        var closed = new Binding(release.Epoch, release.Node);
        var after = state.Promises.TryGetValue(release.Service, out var promise) && promise.To == closed
            ? state with { Promises = state.Promises.Remove(release.Service) }
            : state;

        // What a restart forgot can only have been promised to the node on disk, under this epoch or one that ended before it (R1, R4).
        if (state.Durable.Floors.TryGetValue(release.Service, out var floor) && floor == closed)
        {
            after = after with { GivenUp = after.GivenUp.Add(release.Service) };
        }

        return (after, [new Answer(new ReleaseReply(release.Service, state.Name))]);
    }

    private static (VoterState, ImmutableArray<VoterEffect>) OnJoin(VoterState state, Join join, Instant now)
    {
        if (state.Durable.Floors.ContainsKey(join.Service))
        {
            return (state, [Reply(joined: join.Identity == state.Durable.Identity)]);
        }

        var lost = join.LongestTtl > state.Durable.LongestTtl ? join.LongestTtl : state.Durable.LongestTtl;
        if (join.Identity != state.Durable.Identity || now.ShortestSince(state.Started) < lost)
        {
            return (state, [Reply(joined: false)]);
        }

        var durable = state.Durable with { Floors = state.Durable.Floors.Add(join.Service, join.Floor), LongestTtl = lost };
        return (state with { Durable = durable }, [new PersistVoter(durable), Reply(joined: true)]);

        Answer Reply(bool joined) => new(new JoinReply(join.Service, state.Name, state.Durable.Identity, joined));
    }

    private static bool InAmnesia(VoterState state, string service, Instant now) =>
        !state.GivenUp.Contains(service) && !(state.Started + state.Durable.LongestTtl).HasComeBy(now);

    private static Promise? RunningPromise(VoterState state, string service, Instant now) =>
        state.Promises.TryGetValue(service, out var promise) && !promise.Until.HasComeBy(now) ? promise : null;

    /// <summary>A delayed renewal with a shorter TTL must not shorten what was promised.</summary>
    private static Instant Later(Promise? promise, Instant until) =>
        promise is { } running
            ? new Instant(
                running.Until.Boottime > until.Boottime ? running.Until.Boottime : until.Boottime,
                running.Until.MonotonicRaw > until.MonotonicRaw ? running.Until.MonotonicRaw : until.MonotonicRaw)
            : until;

    private static TimeSpan Remaining(VoterState state, string service, Instant now)
    {
        var remaining = RunningPromise(state, service, now) is { } promise ? promise.Until.MostRemaining(now) : TimeSpan.Zero;
        var forgotten = state.GivenUp.Contains(service) ? TimeSpan.Zero : (state.Started + state.Durable.LongestTtl).MostRemaining(now);
        return remaining > forgotten ? remaining : forgotten > TimeSpan.Zero ? forgotten : TimeSpan.Zero;
    }
}
