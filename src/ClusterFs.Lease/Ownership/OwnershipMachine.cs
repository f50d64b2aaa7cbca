using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Ownership;

/// <summary>
/// Decides who owns one service next: a pure function of state, input and time. It journals before it acts, fences before it grants, and
/// takes no silence for an expiry that a majority of voters did not confirm.
/// </summary>
public static class OwnershipMachine
{
    public static OwnershipState Start(OwnershipSettings settings, Guid incarnation, OwnershipRecord record, Instant now) =>
        new(settings, incarnation, record, now + settings.Timings.Ttl) { NextProbeAt = now, Placement = Placement.Unknown(settings) };

    public static (OwnershipState State, ImmutableArray<OwnershipEffect> Effects) Handle(OwnershipState state, OwnershipInput input, Instant now)
    {
        var step = new OwnershipStep(state, now);
        switch (input)
        {
            case OwnershipTimePassed:
                break;
            case NodesAway away:
                step.Note(away);
                break;
            case NodeReported reported:
                step.Hear(reported.Report);
                break;
            case VoterAnswered { Reply: ProbeReply reply }:
                step.CountProbe(reply);
                break;
            case VoterAnswered { Reply: FenceReply reply }:
                step.CountFence(reply);
                break;
            case VoterAnswered { Reply: JoinReply reply }:
                step.CountJoin(reply);
                break;
            case VoterAnswered:
                break;
            case Journalled journalled:
                step.Apply(journalled.Event);
                break;
            case EpochReserved reserved:
                step.Reserved(reserved);
                break;
            case NodeFenced fenced:
                step.HearFence(fenced);
                break;
            case MoveRequested move:
                step.RequestMove(move);
                break;
            case PlacementNoted noted:
                step.Note(noted);
                break;
            case PauseRequested pause:
                step.RequestPause(pause);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(input), input, "unknown input");
        }

        step.Decide();
        return step.Result;
    }

    /// <summary>When the machine next has something to do by itself; null when only an input can move it.</summary>
    public static Instant? NextWake(OwnershipState state, Instant now)
    {
        var due = new List<Instant>();
        if (state.Record.OpenGrant is not null && state.Fencing is null)
        {
            due.Add(state.NextProbeAt);
        }

        if (state.Fencing is { } fencing)
        {
            due.Add(fencing.AskedAt + state.Settings.Timings.ProbeFreshness);
            due.AddRange(fencing.Raised.Values);
        }

        if (state.AskedMove is { } move)
        {
            // With the second of them, what was not heard until then stands in its way.
            due.Add(move.Until);
            due.Add(state.BelieveExpiryFrom);
        }

        due.RemoveAll(instant => instant.HasComeBy(now));
        return due.Count == 0 ? null : due.Aggregate(Earlier);
    }

    /// <summary>Whether what the node said last still counts.</summary>
    public static bool IsHeard(OwnershipState state, string node, Instant now) =>
        state.Reports.TryGetValue(node, out var heard)
        && now.LongestSince(heard.At) is var since
        && (since < ReportPace.CountsAlone || (since < state.Settings.Pace.Counts && !heard.IsOld));

    /// <summary>Whether the node was heard of lately, wants the service, and has nothing of an older epoch left.</summary>
    public static bool IsCandidate(OwnershipState state, string node, Instant now) => ObstacleOf(state, node, now) is null;

    /// <summary>Why the node cannot be granted the service; null when it can.</summary>
    public static CandidateObstacle? ObstacleOf(OwnershipState state, string node, Instant now) =>
        !IsHeard(state, node, now) ? CandidateObstacle.Silent
        : state.Reports[node].Report is var report && !report.Wanted ? CandidateObstacle.NotWanted
        : report.ClosedEpoch < report.Epoch ? CandidateObstacle.NotClosed
        : null;

    /// <summary>Why nothing is granted by itself; null when it is.</summary>
    public static HoldBack? HeldBack(OwnershipState state) =>
        state.Record.Move is not null ? null
        : state.Record.Paused ? HoldBack.Paused
        : state.Record.Damped is not null ? HoldBack.LeftAlone
        : !state.Placement.Awaited.IsEmpty ? HoldBack.Waits
        : null;

    /// <summary>Whether the owner said lately that the service runs under the newest grant.</summary>
    public static bool OwnerRuns(OwnershipState state, Instant now) =>
        state.Record.OpenGrant is { } grant
        && IsHeard(state, grant.Node, now)
        && state.Reports[grant.Node].Report is { Phase: LeasePhase.Running } report
        && report.Epoch == grant.Epoch;

    /// <summary>The node that would be granted the next epoch now; null when there is none.</summary>
    public static string? NextOwner(OwnershipState state, Instant now) =>
        state.Record.Move is { } move && IsCandidate(state, move.To, now)
            ? move.To
            : state.Placement.Beside is { } beside && IsCandidate(state, beside, now) ? beside
            : state.Settings.Nodes.FirstOrDefault(node => IsCandidate(state, node, now));

    /// <summary>The node that would be granted the next epoch by itself if nobody owned the service now; null when none would.</summary>
    public static string? WouldGrant(OwnershipState state, Instant now)
    {
        var record = state.Record;
        return HeldBack(state) is not null || IsLeftAloneNext(state) ? null
            : record.Move is { } move && IsCandidate(state, move.To, now) ? move.To
            : state.Placement.Beside is { } beside && beside != record.OpenGrant?.Node && IsCandidate(state, beside, now) ? beside
            : state.Settings.Nodes.FirstOrDefault(node => node != record.OpenGrant?.Node && IsCandidate(state, node, now));
    }

    /// <summary>Whether the service is left alone when it has no owner next.</summary>
    public static bool IsLeftAloneNext(OwnershipState state) =>
        state.Record.OpenFencing is null && state.Settings.Damping?.IsDue(state.Record) == true;

    /// <summary>Whether the newest grant is being ended: a majority said that its promises ran out, or a fence is under way that its owner does not outlive.</summary>
    public static bool IsEnding(OwnershipState state, Instant now) =>
        state.Record.OpenGrant is not null
        && (HasExpired(state, now) || state.Suspected || (state.Record.OpenFencing is not null && !(state.Fencing is null && OwnerRuns(state, now))));

    /// <summary>Whether a majority said that the promises to the newest grant's node ran out, and it has not said since that the service runs.</summary>
    public static bool HasExpired(OwnershipState state, Instant now) =>
        state.Record.OpenGrant is not null && (state.Expired || (state.SaidExpired && !OwnerRuns(state, now)));

    private static Instant Earlier(Instant one, Instant other) => one.Boottime <= other.Boottime ? one : other;
}

/// <summary>What keeps a node from being granted a service.</summary>
public enum CandidateObstacle
{
    /// <summary>It was not heard of lately.</summary>
    Silent,

    /// <summary>Nothing waits for the service there.</summary>
    NotWanted,

    /// <summary>Something of an older epoch is left there.</summary>
    NotClosed,
}

/// <summary>What keeps a service from being granted to anyone by itself.</summary>
public enum HoldBack
{
    /// <summary>Somebody said so.</summary>
    Paused,

    /// <summary>It never stayed up.</summary>
    LeftAlone,

    /// <summary>Other services have to be heard of, or to run.</summary>
    Waits,
}
