using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Agents;

/// <summary>
/// What the agent of one service does, by what it knows: a pure function of state and time. It is asked again after every change and
/// whenever time alone may have changed the answer, so nothing that was lost on the way stays undone.
/// </summary>
internal static class AgentRules
{
    /// <summary>The guard is told again when it has not done it by then.</summary>
    public static TimeSpan TellAgainAfter { get; } = TimeSpan.FromSeconds(1);

    /// <summary>Work that failed is tried again after this long.</summary>
    public static TimeSpan RetryAfter { get; } = TimeSpan.FromSeconds(1);

    /// <summary>After so many failures in a row to put the content in place, another node shall try.</summary>
    public const int TakeOverAttempts = 5;

    /// <summary>How long this node wants nothing after that.</summary>
    public static TimeSpan StandBackFor { get; } = TimeSpan.FromSeconds(30);

    /// <summary>How long a dead service's epoch is kept open while the last dump fails.</summary>
    public static TimeSpan FinalDumpPatience { get; } = TimeSpan.FromSeconds(15);

    /// <summary>How long it is kept open for a last dump that is under way: one of many gigabytes takes its time, one on a hung mount never ends.</summary>
    public static TimeSpan HungDumpPatience { get; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// The longest time for which no dump is taken after one: half of what that took. A database that is read all the time can never begin its log anew, which
    /// grows until the disk is full; and each longer log makes the next dump longer.
    /// </summary>
    public static TimeSpan LongestRest { get; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a stop of the daemon is held up by the dump that comes before the stop of the service.</summary>
    public static TimeSpan StopPatience { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Notes what follows from the state alone, and says what to do next; null when nothing.</summary>
    public static (AgentState State, AgentAction? Action) Decide(AgentState state, Instant now)
    {
        state = Note(state, now);
        if (Next(state, now) is not { } action)
        {
            return (state, null);
        }

        return action switch
        {
            TellGuard tell when state.Told == tell.Order && now.ShortestSince(state.ToldAt) < TellAgainAfter => (state, null),
            TellGuard tell => (state with { Told = tell.Order, ToldAt = now }, action),
            BeginWork begin => (
                state with
                {
                    Work = new Work(begin.Kind, begin.Epoch, now),
                    DumpBegunAt = begin.Kind is WorkKind.Dump ? now : state.DumpBegunAt,
                    DumpAsked = state.DumpAsked && begin.Kind is not WorkKind.Dump,
                    RetryAt = null,
                },
                action),
            _ => throw new ArgumentOutOfRangeException(nameof(state), action, "unknown action"),
        };
    }

    /// <summary>A piece of work has ended.</summary>
    public static AgentState Finish(AgentState state, WorkOutcome outcome, Instant now)
    {
        if (state.Work is not { } work)
        {
            return state;
        }

        state = state with
        {
            Work = null,
            DumpRestsUntil = work.Kind is WorkKind.Dump && outcome is WorkOutcome.Done ? now + RestAfter(now.ShortestSince(work.BegunAt)) : state.DumpRestsUntil,
        };
        return outcome switch
        {
            WorkOutcome.Failed when work.Kind is WorkKind.TakeOver && state.TakeOverFailures + 1 >= TakeOverAttempts => state with
            {
                TakeOverFailures = state.TakeOverFailures + 1,
                StandsBackUntil = now + StandBackFor,
                RetryAt = now + RetryAfter,
            },
            WorkOutcome.Failed => state with
            {
                TakeOverFailures = state.TakeOverFailures + (work.Kind is WorkKind.TakeOver ? 1 : 0),
                RetryAt = now + RetryAfter,
            },
            WorkOutcome.Superseded => state with { SupersededEpoch = Math.Max(state.SupersededEpoch, work.Epoch) },
            WorkOutcome.Done => work.Kind switch
            {
                WorkKind.TakeOver => state with { PreparedEpoch = work.Epoch },
                // One that was under way when the end was asked for is as good as one begun after it: both leave little to do.
                WorkKind.Dump when EndIsAsked(state, work.Epoch) => state with { DumpedForDrain = work.Epoch },
                WorkKind.FinalDump => state with { FinishedEpoch = work.Epoch },
                WorkKind.KeepDivergent => state with { KeptAgainst = work.Epoch },
                _ => state,
            },
            _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "unknown outcome"),
        };
    }

    /// <summary>Whether the service may be granted to this node.</summary>
    public static bool IsWanted(AgentState state, Instant now) =>
        state.Guard is { Wanted: true } && !state.Stopping && !state.Drained && (state.StandsBackUntil is not { } until || until.HasComeBy(now));

    /// <summary>What this node reports; null while it knows nothing.</summary>
    /// <param name="last">What the guard said last, should it not answer now: what was over then is over for good.</param>
    public static NodeReport? Report(AgentState state, GuardReport? last, Instant now)
    {
        if ((state.Guard ?? last) is not { } known)
        {
            return null;
        }

        return new NodeReport(state.Settings.Node, IsWanted(state, now), state.Guard?.Phase, known.Epoch, known.ClosedEpoch, known.Reason)
        {
            HandedOver = state.FinishedEpoch,
        };
    }

    /// <summary>
    /// Whether this node and the ownership actor see the same, and nothing is under way: then there is nothing to be repeated, should a message
    /// be lost.
    /// </summary>
    /// <param name="view">The ownership actor's answer to the newest report.</param>
    public static bool IsSettled(AgentState state, OwnershipView? view, Instant now)
    {
        if (state.Guard is not { } guard || view is not { MovingTo: null } || state.Stopping)
        {
            return false;
        }

        var isOwned = view is { Stage: OwnershipStage.Owned, Reason: null };
        return guard.OpenTenure is null
            ? view.Owner != state.Settings.Node && view.Candidates.Contains(state.Settings.Node) == IsWanted(state, now) && (isOwned || !guard.Wanted)
            : isOwned && view.Owner == state.Settings.Node && view.Epoch == guard.Epoch && guard.Phase is LeasePhase.Running;
    }

    /// <summary>Whether nothing of the service is left to be ended here. A guard that does not answer is waited for: what it holds is not known.</summary>
    public static bool IsIdle(AgentState state, Instant now) =>
        state.Guard is { OpenTenure: null } || (state.Guard is null && state.StopWaitsUntil is { } until && until.HasComeBy(now));

    /// <summary>When time alone may lead to something to do; null when only news can.</summary>
    public static Instant? NextWake(AgentState state, Instant now)
    {
        var due = new List<Instant>();
        if (state.Told is not null)
        {
            due.Add(state.ToldAt + TellAgainAfter);
        }

        if (state.RetryAt is { } retry)
        {
            due.Add(retry);
        }

        if (state.StopWaitsUntil is { } stop)
        {
            due.Add(stop);
        }

        if (state.StandsBackUntil is { } until)
        {
            due.Add(until);
        }

        if (state.DrainedAt is { } drained)
        {
            due.Add(drained + FinalDumpPatience);
            due.Add(drained + HungDumpPatience);
        }

        if (state.Guard?.Phase is LeasePhase.Running && state.DumpBegunAt is { } begun)
        {
            due.Add(begun + state.Settings.DumpEvery);
            if (state.DumpRestsUntil is { } rested)
            {
                due.Add(rested);
            }
        }

        due.RemoveAll(instant => instant.HasComeBy(now));
        return due.Count == 0 ? null : due.Aggregate((one, other) => one.Boottime <= other.Boottime ? one : other);
    }

    private static AgentState Note(AgentState state, Instant now)
    {
        state = StandbyRules.Note(state);
        if (state.Stopping && state.StopWaitsUntil is null)
        {
            state = state with { StopWaitsUntil = now + StopPatience };
        }

        if (state.StandsBackUntil is { } until && until.HasComeBy(now))
        {
            state = state with { StandsBackUntil = null };
        }

        if (state.Guard is not { } guard)
        {
            return state;
        }

        if (guard.OpenTenure is not { } epoch)
        {
            return state with { TakeOverFailures = 0, DrainedAt = null, Told = state.Told is UseGrant or StandByAgain ? state.Told : null, DumpBegunAt = null, DumpRestsUntil = null };
        }

        if (guard.Phase is LeasePhase.Running)
        {
            // The first dump is not due before the service had the time to do something.
            state = state with { RanEpoch = epoch, DumpBegunAt = state.DumpBegunAt ?? now };
        }

        if (guard.Phase is LeasePhase.Drained)
        {
            state = state with { DrainedAt = state.DrainedAt ?? now };
        }

        return state;
    }

    private static AgentAction? Next(AgentState state, Instant now)
    {
        if (state.Guard is not { } guard)
        {
            // The guard decides when anything may run; without it there is nothing to prepare or to end.
            return null;
        }

        var mayWork = state.Work is null && (state.RetryAt is not { } retry || retry.HasComeBy(now));
        if (guard.OpenTenure is not { } epoch)
        {
            return WhenNothingIsOpen(state, guard, mayWork);
        }

        switch (guard.Phase)
        {
            case LeasePhase.Acquiring or LeasePhase.Held or LeasePhase.Running when state.SupersededEpoch >= epoch:
            case LeasePhase.Acquiring or LeasePhase.Held when EndIsAsked(state, epoch) || state.TakeOverFailures >= TakeOverAttempts:
                return new TellGuard(new BeginDrain(epoch));
            case LeasePhase.Acquiring or LeasePhase.Held when state.PreparedEpoch != epoch:
                return mayWork ? new BeginWork(WorkKind.TakeOver, epoch) : null;
            case LeasePhase.Held:
                return new TellGuard(new SayPrepared(epoch));
            case LeasePhase.Running when EndIsAsked(state, epoch):
                return BeforeTheEnd(state, epoch, mayWork, now);
            case LeasePhase.Running when mayWork && DumpIsDue(state, now):
                return new BeginWork(WorkKind.Dump, epoch);
            case LeasePhase.Running when state.Grant is { } continued && continued.Tenure == epoch && continued.Epoch > guard.Epoch:
                return new TellGuard(new UseGrant(continued));
            case LeasePhase.Stopping when guard.IsFrozen && (EndIsAsked(state, epoch) || IsGranted(state, guard.Epoch)):
                // It does not end by itself, and the next epoch begins when it is dead.
                return new TellGuard(new BeginDrain(epoch));
            case LeasePhase.Drained:
                return AfterTheEnd(state, epoch, mayWork, now);
            default:
                return null;
        }
    }

    private static AgentAction? WhenNothingIsOpen(AgentState state, GuardReport guard, bool mayWork)
    {
        if (IsGranted(state, guard.ClosedEpoch) && !state.Stopping)
        {
            return new TellGuard(new UseGrant(state.Grant!));
        }

        // Not before the view is of a later owner: the one of this node's own end is still about.
        if (guard.StoodDown && state.RunsElsewhere > guard.ClosedEpoch)
        {
            return new TellGuard(new StandByAgain(state.RunsElsewhere));
        }

        return state.RunsElsewhere > state.KeptAgainst && mayWork ? new BeginWork(WorkKind.KeepDivergent, state.RunsElsewhere) : null;
    }

    /// <summary>A dump first, so that little is left to be dumped while the service is down. A move that could not be dumped would lose
    /// something, so it waits; the stop of a machine does not wait for long.</summary>
    private static AgentAction? BeforeTheEnd(AgentState state, long epoch, bool mayWork, Instant now)
    {
        var waitedEnough = state.StopWaitsUntil is { } until && until.HasComeBy(now);
        if (state.DumpedForDrain == epoch || waitedEnough)
        {
            return new TellGuard(new BeginDrain(epoch));
        }

        return mayWork ? new BeginWork(WorkKind.Dump, epoch) : null;
    }

    private static AgentAction? AfterTheEnd(AgentState state, long epoch, bool mayWork, Instant now)
    {
        // A move promises that nothing is lost, and a dump that is under way is waited for: the lease is kept all the while. Where nothing is to be
        // dumped, another node shall not wait for long because storage is away here.
        var neverRan = NeverRan(state, epoch);
        var patience = !neverRan && (state.DrainEpoch == epoch || state.Work is not null) ? HungDumpPatience : FinalDumpPatience;
        var waitedEnough = state.DrainedAt is { } since && (since + patience).HasComeBy(now);

        // A move says that nothing was lost, and only a look at disk and archive can tell: the disk may be another one.
        var hasNothing = neverRan && state.DrainEpoch != epoch;
        if (hasNothing || state.FinishedEpoch == epoch || state.SupersededEpoch >= epoch || waitedEnough)
        {
            return new TellGuard(new CloseEpoch(epoch));
        }

        return mayWork ? new BeginWork(WorkKind.FinalDump, epoch) : null;
    }

    /// <summary>Whether this node is to begin a tenure after that of <paramref name="lastEpoch"/>.</summary>
    internal static bool IsGranted(AgentState state, long lastEpoch) =>
        state.Grant is { } grant && grant.Epoch > lastEpoch && grant.Tenure == grant.Epoch && grant.Node == state.Settings.Node;

    /// <summary>An epoch that was granted to this daemon and never prepared has changed nothing. One that it did not see begin may have.</summary>
    private static bool NeverRan(AgentState state, long epoch) =>
        state.Grant?.Epoch == epoch && state.RanEpoch < epoch && state.PreparedEpoch < epoch;

    private static bool EndIsAsked(AgentState state, long epoch) => state.Stopping || state.DrainEpoch == epoch;

    private static TimeSpan RestAfter(TimeSpan dump) => dump / 2 < LongestRest ? dump / 2 : LongestRest;

    private static bool DumpIsDue(AgentState state, Instant now) =>
        state.DumpAsked
        || (state.DumpBegunAt is { } begun && (begun + state.Settings.DumpEvery).HasComeBy(now) && state.DumpRestsUntil?.HasComeBy(now) != false);
}
