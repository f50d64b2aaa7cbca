using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Foresight;

/// <summary>What agents would do while shared storage is away: the rules that they go by, run ahead with work that fails each time, or never ends. Pure.</summary>
internal static class SharedLoss
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    /// <param name="hangs">Work never ends, as on a share that waits for its server; else it fails at once.</param>
    /// <returns>After which time an agent whose service runs would have it stopped; null for never within the horizon.</returns>
    public static TimeSpan? OwnerStopsAfter(AgentSettings settings, bool hangs, TimeSpan horizon) =>
        Course(settings, Report(LeasePhase.Running), new AgentState(settings, null) { PreparedEpoch = 1, RanEpoch = 1 }, hangs, horizon);

    /// <returns>After which time an agent that was granted the service would give it up; null for never within the horizon.</returns>
    public static TimeSpan? TakerGivesUpAfter(AgentSettings settings, bool hangs, TimeSpan horizon) => Course(
        settings,
        Report(LeasePhase.Held),
        new AgentState(settings, null) { Grant = new GrantOwnership(settings.Service, 1, 1, settings.Node, [], TimeSpan.Zero, TimeSpan.Zero) },
        hangs,
        horizon);

    private static TimeSpan? Course(AgentSettings settings, GuardReport guard, AgentState state, bool hangs, TimeSpan horizon)
    {
        state = state with { Guard = guard };
        for (var passed = TimeSpan.Zero; passed < horizon; passed += Step)
        {
            var now = new Instant(passed, passed);
            AgentAction? action;
            do
            {
                (state, action) = AgentRules.Decide(state, now);
                if (action is TellGuard { Order: BeginDrain or CloseEpoch })
                {
                    return passed;
                }

                if (action is BeginWork && !hangs)
                {
                    state = AgentRules.Finish(state, WorkOutcome.Failed, now);
                }
            }
            while (action is not null);
        }

        return null;
    }

    private static GuardReport Report(LeasePhase phase) => new(true, phase, 1, 1, 0, new Instant(TimeSpan.MaxValue, TimeSpan.MaxValue), null, null, null);
}
