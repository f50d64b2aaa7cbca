using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;

namespace ClusterFs.Simulation;

/// <summary>The production holder; with a deliberate bug, if one is switched on, in what it is given or in what it gives.</summary>
public static class SabotagedHolder
{
    public static (HolderState State, ImmutableArray<HolderEffect> Effects) Handle(Bugs bugs, HolderState state, HolderInput input, Instant now)
    {
        if (bugs == Bugs.None)
        {
            return HolderMachine.Handle(state, input, now);
        }

        switch (input)
        {
            case RenewAnswered answered when bugs.Has(Bug.AcksWithoutIncarnation):
                input = new RenewAnswered(answered.Reply with
                {
                    Round = answered.Reply.Round with { BootId = state.BootId, Incarnation = state.Incarnation },
                });
                break;
            case GrantReceived grant when bugs.Has(Bug.GrantConsumedTwice):
                state = Forget(state, grant);
                break;
        }

        if (bugs.Has(Bug.LapsedLeaseRevived) && input is RenewAnswered { Reply: var reply } && Lease(state) is { Phase: LeasePhase.Stopping, ValidUntil: not null } lapsed)
        {
            var tried = HolderMachine.Handle(With(state, lapsed with { Phase = LeasePhase.Running, ValidUntil = null }), input, now);
            return Lease(tried.State) is { ValidUntil: not null }
                ? tried
                : (With(tried.State, Lease(tried.State)! with { Phase = LeasePhase.Stopping, ValidUntil = lapsed.ValidUntil }), []);
        }

        var (next, effects) = HolderMachine.Handle(state, input, now);
        if (bugs.Has(Bug.OneVoterTwice) && input is RenewAnswered { Reply: var once } && Lease(next) is { } counted)
        {
            var again = counted.Voters.FirstOrDefault(voter => voter != once.Voter);
            (next, var more) = HolderMachine.Handle(next, new RenewAnswered(once with { Voter = again ?? once.Voter }), now);
            effects = effects.AddRange(more);
        }

        if (Lease(next) is { } lease)
        {
            next = Spoil(bugs, next, Lease(state), lease, now);
        }

        if (bugs.Has(Bug.NoReleases))
        {
            effects = effects.RemoveAll(effect => effect is SendRelease);
        }

        return (next, effects);
    }

    private static HolderState Spoil(Bugs bugs, HolderState next, HeldLease? before, HeldLease lease, Instant now)
    {
        var extended = lease.ValidUntil is not null && (before?.Epoch != lease.Epoch || before.ValidUntil != lease.ValidUntil);
        if (extended && bugs.Has(Bug.ValidityFromAck))
        {
            return With(next, lease with { ValidUntil = now + (lease.Timings.Ttl - lease.Timings.Margin) });
        }

        if (extended && bugs.Has(Bug.MarginTooSmall))
        {
            return With(next, lease with { ValidUntil = lease.ValidUntil + lease.Timings.Margin });
        }

        if (bugs.Has(Bug.GrantGivesValidity) && lease.Phase == LeasePhase.Acquiring && before?.Epoch != lease.Epoch)
        {
            return With(next, lease with { Phase = LeasePhase.Held, ValidUntil = now + (lease.Timings.Ttl - lease.Timings.Margin) });
        }

        if (bugs.Has(Bug.LapsedLeaseRevived) && lease.Phase == LeasePhase.Stopping && before is { } old && old.Phase != LeasePhase.Stopping)
        {
            return With(next, lease with { Rounds = old.Rounds });
        }

        return next;
    }

    private static HolderState Forget(HolderState state, GrantReceived grant) =>
        Lease(state) is null or { Phase: LeasePhase.Closed }
        && state.Durable.Consumed.TryGetValue(grant.Service, out var consumed)
        && consumed.Epoch == grant.Epoch
            ? state with { Durable = new DurableHolderState(state.Durable.Consumed.Remove(grant.Service)) }
            : state;

    private static HeldLease? Lease(HolderState state) => state.Leases.GetValueOrDefault(World.Service);

    private static HolderState With(HolderState state, HeldLease lease) => state with { Leases = state.Leases.SetItem(lease.Service, lease) };
}
