using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>The production voter; with a deliberate bug, if one is switched on, in what it is given or in what it gives.</summary>
public static class SabotagedVoter
{
    public static (VoterState State, ImmutableArray<VoterEffect> Effects) Handle(
        Bugs bugs, VoterState state, VoterRequest request, Instant now, TimeSpan configuredTtl)
    {
        if (bugs == Bugs.None)
        {
            return VoterMachine.Handle(state, request, now);
        }

        (state, request) = Before(bugs, state, request, configuredTtl);
        var (next, effects) = VoterMachine.Handle(state, request, now);
        if (bugs.Has(Bug.FloorNotRaised) && request is Renew or Fence)
        {
            var kept = next.Durable with { Floors = state.Durable.Floors };
            next = next with { Durable = kept };
            effects = [.. effects.Select(effect => effect is PersistVoter ? new PersistVoter(kept) : effect)];
        }

        if (bugs.Has(Bug.FenceClearsPromise) && request is Fence && effects.Any(effect => effect is Answer { Reply: FenceReply { Outcome: FenceOutcome.Raised } }))
        {
            next = next with { Promises = next.Promises.Remove(request.Service) };
            effects = [.. effects.Select(effect => effect is Answer { Reply: FenceReply reply } ? new Answer(reply with { Remaining = TimeSpan.Zero }) : effect)];
        }

        if (bugs.Has(Bug.AnyReleaseEndsAmnesia) && request is Release)
        {
            next = next with { GivenUp = next.GivenUp.Add(request.Service) };
        }

        return (next, effects);
    }

    private static (VoterState, VoterRequest) Before(Bugs bugs, VoterState state, VoterRequest request, TimeSpan configuredTtl)
    {
        switch (request)
        {
            case Renew renew:
                var asked = new Binding(renew.Epoch, renew.Node);
                if (bugs.Has(Bug.TtlMismatch))
                {
                    request = renew with { Ttl = configuredTtl };
                }

                if (bugs.Has(Bug.EmptyVoterAcks) && !state.Durable.Floors.ContainsKey(renew.Service))
                {
                    state = With(state, renew.Service, Binding.None);
                }

                if (bugs.Has(Bug.FloorNotChecked) && state.Durable.Floors.TryGetValue(renew.Service, out var floor) && floor.Epoch >= renew.Epoch)
                {
                    state = With(state, renew.Service, asked);
                }

                if (bugs.Has(Bug.RenewIgnoresPromise) && state.Promises.TryGetValue(renew.Service, out var promise) && promise.To != asked)
                {
                    state = state with { Promises = state.Promises.Remove(renew.Service) };
                }

                break;
            case Fence fence when bugs.Has(Bug.FenceIgnoresPromise):
                request = fence with { OverPromises = true };
                break;
            case Release release when bugs.Has(Bug.ReleaseWithoutEpoch) && state.Promises.TryGetValue(release.Service, out var running):
                request = new Release(release.Service, running.To.Epoch, running.To.Node!);
                break;
        }

        return (state, request);
    }

    private static VoterState With(VoterState state, string service, Binding floor) =>
        state with { Durable = state.Durable with { Floors = state.Durable.Floors.SetItem(service, floor) } };
}
