using System.Globalization;
using ClusterFs.Lease;
using ClusterFs.Node.Content;

namespace ClusterFs.Node.Agents;

/// <summary>
/// When the agent of a service that its node does not own brings its standby copy on: a pure function of state and time. It gives way to everything
/// else that the agent does with the content.
/// </summary>
internal static class StandbyRules
{
    /// <summary>Following that failed is tried again after this long.</summary>
    public static TimeSpan RetryAfter { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Following that was not heard of for so long hangs, most likely on shared storage, or has not had its turn.</summary>
    public static TimeSpan HangsAfter { get; } = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan LeastToLook = TimeSpan.FromSeconds(30);

    /// <summary>So long after the last time, the log is looked at although nobody told of a dump.</summary>
    public static TimeSpan LooksEvery(AgentSettings settings) => settings.Pace.Every * 2 > LeastToLook ? settings.Pace.Every * 2 : LeastToLook;

    /// <summary>Whether nothing else is done with the content, or about to be.</summary>
    public static bool MayFollow(AgentState state) => state.Settings.KeepsStandby && IsLeftAlone(state);

    /// <summary>Whether this node neither has the service nor is about to get it, and does nothing about its content.</summary>
    public static bool IsLeftAlone(AgentState state) =>
        state is { Stopping: false, Work: null, Guard: { OpenTenure: null } guard } && !AgentRules.IsGranted(state, guard.ClosedEpoch);

    /// <summary>Notes what follows from the state alone: what this node owns, it has no copy of.</summary>
    public static AgentState Note(AgentState state) => state.Guard is { OpenTenure: not null } && state.Standby is { BegunAt: null }
        ? state with { Standby = StandbyState.Unknown with { ToldOf = state.Standby.ToldOf } }
        : state;

    /// <summary>Somebody has seen a dump in this slot.</summary>
    public static AgentState Tell(AgentState state, long slot) =>
        slot > state.Standby.ToldOf ? state with { Standby = state.Standby with { ToldOf = slot } } : state;

    /// <returns>What following is to begin with: a slot that is known to be taken, or 0 to look at the log; null when none is to begin now.</returns>
    public static long? Next(AgentState state, Instant now)
    {
        var standby = state.Standby;
        if (standby.BegunAt is not null || !MayFollow(state) || (standby.Problem is not null && !HasPassed(standby.EndedAt, RetryAfter, now)))
        {
            return null;
        }

        return standby.ToldOf > standby.HandledTo ? standby.ToldOf
            : standby.Problem is not null || HasPassed(standby.EndedAt, LooksEvery(state.Settings), now) ? 0
            : null;
    }

    /// <summary>Following begins as soon as it is its turn.</summary>
    public static AgentState Begin(AgentState state, Instant now) =>
        state with { Standby = state.Standby with { BegunAt = now, HeardAt = now, Progress = null } };

    /// <summary>Following that is under way says something of itself.</summary>
    /// <param name="progress">How far it is.</param>
    public static AgentState Hear(AgentState state, string progress, Instant now) =>
        state.Standby.BegunAt is null ? state : state with { Standby = state.Standby with { HeardAt = now, Progress = progress } };

    /// <summary>Following has ended.</summary>
    /// <param name="toldOf">What it began with.</param>
    public static AgentState End(AgentState state, long toldOf, FollowSeen seen, Instant now)
    {
        var ended = state.Standby with { BegunAt = null, HeardAt = null, Progress = null, EndedAt = now, Problem = seen.Problem };
        return state with
        {
            Standby = seen is { Problem: null, Cancelled: false }
                ? ended with { Copy = seen.Copy, HandledTo = Math.Max(toldOf, seen.Copy?.Slot ?? 0) }
                : ended,
        };
    }

    /// <summary>Why the copy is not that of the newest dump, for people; null when it is, or will be in a moment.</summary>
    public static string? Problem(AgentState state, Instant now)
    {
        var standby = state.Standby;
        return !state.Settings.KeepsStandby || state.Guard is { OpenTenure: not null } ? null
            : standby.HeardAt is { } heard && HasPassed(heard, HangsAfter, now)
                ? standby.Progress is { } stuck
                    ? string.Create(
                        CultureInfo.InvariantCulture,
                        $"its copy has not come on for {now.LongestSince(heard).TotalSeconds:0} s ({stuck}): does shared storage answer?")
                    : "its copy waits for those of other services"
            : standby.Problem ?? (standby is { Copy: null, Progress: { } progress } ? $"its first copy is being made: {progress}" : null);
    }

    private static bool HasPassed(Instant? since, TimeSpan time, Instant now) => since is not { } moment || (moment + time).HasComeBy(now);
}
