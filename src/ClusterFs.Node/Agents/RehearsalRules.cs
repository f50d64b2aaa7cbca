using System.Globalization;
using ClusterFs.Archive.Rehearsal;
using ClusterFs.Lease;
using ClusterFs.Node.Content;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Agents;

/// <summary>
/// When the agent of a service that another node runs restores its newest dump to see that it can be restored: a pure function of state and time.
/// It gives way to everything else, and the nodes take turns.
/// </summary>
internal static class RehearsalRules
{
    /// <summary>A restore that was not heard of for so long hangs, most likely on shared storage.</summary>
    public static TimeSpan HangsAfter { get; } = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan LongestToRetry = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestToTurn = TimeSpan.FromHours(1);
    private static readonly TimeSpan LongestAfterCancelling = TimeSpan.FromMinutes(1);

    /// <summary>One that failed is tried again after this long: it may have been for a reason that passes.</summary>
    public static TimeSpan RetryAfter(RehearsalPace pace) => Shorter(pace.Every, LongestToRetry);

    /// <summary>The daemon of each node waits for so long after its start, and each another time, so that they do not all begin at once.</summary>
    public static TimeSpan TurnAfter(RehearsalPace pace) => Shorter(pace.Every, LongestToTurn) * (pace.Place + 1) / pace.Nodes;

    /// <summary>So long after the last that went well, or the start of the daemon, something is wrong, even if none has failed.</summary>
    public static TimeSpan OverdueAfter(RehearsalPace pace) => 2 * pace.Every;

    /// <summary>For so long at most, one waits for another node's to end.</summary>
    public static TimeSpan LongestForOthers(RehearsalPace pace) => pace.Every / 4;

    /// <summary>
    /// Whether one may be under way. The service runs elsewhere: where it is about to change hands, this node may be the next. There is a dump, and a
    /// standby copy comes first, because a takeover needs it more.
    /// </summary>
    public static bool MayRehearse(AgentState state) =>
        state is { Settings.Rehearsal: not null, RunsElsewhere: > 0, Standby.ToldOf: > 0 }
        && StandbyRules.IsLeftAlone(state)
        && (!state.Settings.KeepsStandby || state.Standby is { Copy: not null } or { Problem: not null });

    /// <summary>What is remembered of the rehearsals of this node, by the daemon before this one or by somebody at the command line.</summary>
    /// <param name="age">How long ago the last one ended, by the wall clock.</param>
    public static AgentState Remember(AgentState state, RehearsalHistory history, TimeSpan age, Instant now)
    {
        if (state.Settings.Rehearsal is not { } pace || state.Rehearsal is { BegunAt: not null })
        {
            return state with { Rehearsal = state.Rehearsal with { History = history } };
        }

        if (state.Rehearsal.DueAt is not null && history == state.Rehearsal.History)
        {
            return state;
        }

        // One of the future is of a wall clock that was wrong, and nobody knows how old it is.
        var rest = history.Last switch
        {
            null => TimeSpan.Zero,
            _ when age < TimeSpan.Zero => TimeSpan.Zero,
            { Passed: true } => pace.Every - age,
            _ => RetryAfter(pace) - age,
        };
        var turn = TurnAfter(pace);
        return state with
        {
            Rehearsal = state.Rehearsal with
            {
                History = history,
                DueAt = now + (rest > turn ? rest : turn),
                OverdueAt = rest > TimeSpan.Zero && history.Last is { Passed: true } ? now + rest + pace.Every : state.Rehearsal.OverdueAt ?? now + OverdueAfter(pace),
                Obstacle = null,
            },
        };
    }

    /// <summary>Somebody has said what the nodes do.</summary>
    public static AgentState Tell(AgentState state, IEnumerable<NodeSight> sights, TimeSpan silentAfter) => state with
    {
        Rehearsal = state.Rehearsal with
        {
            OthersRehearse = sights.Any(sight =>
                sight.Node != state.Settings.Node && sight is { Rehearsal.UnderWay: true } && sight.AgeSeconds <= silentAfter.TotalSeconds),
        },
    };

    /// <summary>Whether one is to begin now.</summary>
    public static bool IsDue(AgentState state, Instant now) =>
        state.Rehearsal is { BegunAt: null, DueAt: { } due }
        && due.HasComeBy(now)
        && MayRehearse(state)
        && (!state.Rehearsal.OthersRehearse || (due + LongestForOthers(state.Settings.Rehearsal!)).HasComeBy(now));

    /// <summary>One begins as soon as it is its turn on this node.</summary>
    public static AgentState Begin(AgentState state, Instant now) =>
        state with { Rehearsal = state.Rehearsal with { BegunAt = now, HeardAt = now, Progress = null } };

    /// <summary>The one that is under way says something of itself.</summary>
    /// <param name="progress">See <see cref="RehearsalState.Progress"/>.</param>
    public static AgentState Hear(AgentState state, string? progress, Instant now) => state.Rehearsal.BegunAt is null
        ? state
        : state with { Rehearsal = state.Rehearsal with { HeardAt = now, Progress = progress, IsRunning = true } };

    /// <summary>It has ended.</summary>
    public static AgentState End(AgentState state, RehearsalSeen seen, Instant now)
    {
        var pace = state.Settings.Rehearsal!;
        var wait = seen switch
        {
            { Report.Passed: true } => pace.Every,
            { Report: not null } or { Problem: not null } => RetryAfter(pace),
            _ => Shorter(pace.Every, LongestAfterCancelling),
        };
        return state with
        {
            Rehearsal = state.Rehearsal with
            {
                BegunAt = null,
                IsRunning = false,
                HeardAt = null,
                Progress = null,
                DueAt = now + wait,
                OverdueAt = seen is { Report.Passed: true } ? now + OverdueAfter(pace) : state.Rehearsal.OverdueAt,
                History = seen.Report is { } report ? state.Rehearsal.History.With(report) : state.Rehearsal.History,
                Obstacle = seen switch
                {
                    { Problem: { } problem } => problem,
                    { Report: not null } => null,
                    _ => state.Rehearsal.Obstacle,
                },
            },
        };
    }

    /// <summary>What people are shown; null when there is nothing to be shown.</summary>
    public static RehearsalSight? Show(AgentState state, Instant now)
    {
        var (known, history) = (state.Rehearsal, state.Rehearsal.History);
        var overdue = Overdue(state, now);
        if (known is { IsRunning: false, Obstacle: null } && history.Last is null && overdue is null)
        {
            return null;
        }

        var passed = history.LastPassed;
        var hanging = Hanging(known, now);
        var problem = hanging ?? known.Obstacle ?? (history.Last is { Problem: { } failed } last ? $"dump #{last.Sequence}: {failed}" : overdue);
        return new RehearsalSight(
            passed?.Sequence ?? 0,
            passed?.At,
            passed?.Seconds ?? 0,
            passed?.CheckSeconds is not null,
            problem,
            history.Last is { Passed: false } newest ? newest.At : null,
            known.IsRunning)
        {
            Hangs = hanging is not null,
        };
    }

    /// <summary>Where the service runs elsewhere, and so one could be under way now and then.</summary>
    private static string? Overdue(AgentState state, Instant now) =>
        state is { Settings.Rehearsal: not null, RunsElsewhere: > 0, Rehearsal.OverdueAt: { } at } && at.HasComeBy(now)
            ? "none has gone well for more than twice live.rehearsal.every, so look whether this node is ever idle and has a standby copy"
            : null;

    private static string? Hanging(RehearsalState known, Instant now) =>
        known is { HeardAt: { } heard, Progress: { } progress } && (heard + HangsAfter).HasComeBy(now)
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"it has not come on for {now.LongestSince(heard).TotalSeconds:0} s ({progress}), so look whether storage answers")
            : null;

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
