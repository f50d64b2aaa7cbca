using System.Globalization;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership;

/// <summary>The newest events in words. Bounded.</summary>
internal sealed class OwnershipHistoryBook
{
    public const int Capacity = 200;

    private readonly Queue<MeasuredEntry> _entries = new();
    private FencingBegun? _fencing;
    private OwnershipGranted? _grant;
    private OwnershipReleased? _released;

    public MeasuredEntry[] Entries => [.. _entries];

    /// <summary>Why the newest grant was made; null before the first.</summary>
    public GrantCause? Cause { get; private set; }

    /// <summary>What the newest grant told; null before the first.</summary>
    public MeasuredEntry? NewestGrant { get; private set; }

    public MeasuredEntry Enter(OwnershipEvent happened)
    {
        if (_entries.Count == Capacity)
        {
            _entries.Dequeue();
        }

        Cause = happened is OwnershipGranted granted ? CauseOf(granted) : Cause;
        var entry = Measure(happened, new MeasuredEntry(Describe(happened)));
        _fencing = happened as FencingBegun ?? _fencing;
        _grant = happened as OwnershipGranted ?? _grant;
        _released = happened is OwnershipGranted ? null : happened as OwnershipReleased ?? _released;
        NewestGrant = happened is OwnershipGranted ? entry : NewestGrant;
        _entries.Enqueue(entry);
        return entry;
    }

    /// <summary>
    /// For people: a service that goes to another node because its owner lost the lease and stopped it has failed over, though it had no owner any more
    /// when it was granted; what was in no dump then is missing just as if the owner had died.
    /// </summary>
    public GrantCause CauseOf(OwnershipGranted grant) =>
        grant.Cause == GrantCause.Start && _released is { HandedOver: false } && _grant is { } before && before.Node != grant.Node
            ? GrantCause.Failover
            : grant.Cause;

    /// <summary>What an event tells together with those before it.</summary>
    private MeasuredEntry Measure(OwnershipEvent happened, MeasuredEntry entry)
    {
        switch (happened)
        {
            case FencingBegun fencing:
                return entry with { Cause = Word(fencing.Cause) };
            case OwnershipGranted { Lost: { } lost }:
                return Add(entry, string.Create(CultureInfo.InvariantCulture, $"; at most the last {lost.Seconds:0.0} s of writes on {lost.Node} are missing")) with
                {
                    Cause = Word(Cause),
                    LostSeconds = lost.Seconds,
                    LostBytes = lost.Bytes,
                };
            case OwnershipGranted:
                return Add(entry, Cause == GrantCause.Failover ? "; what is missing is not known" : "") with { Cause = Word(Cause) };
            case OwnershipStarted started when _grant is { } grant && grant.Epoch == started.Epoch && _fencing is { } begun && begun.Epoch == started.Epoch:
                var took = Math.Max(0, Math.Round((started.At - begun.At).TotalSeconds, 3));
                return Add(entry, string.Create(CultureInfo.InvariantCulture, $", {took:0.0} s after the fence for it began")) with
                {
                    Cause = Word(Cause),
                    DurationSeconds = took,
                };
            default:
                return entry;
        }
    }

    private static MeasuredEntry Add(MeasuredEntry entry, string text) => entry with { Entry = entry.Entry with { Text = entry.Entry.Text + text } };

    private static string? Word(GrantCause? cause) => cause?.ToString().ToLowerInvariant();

    private HistoryEntry Describe(OwnershipEvent happened) => happened switch
    {
        VoterJoined e => new(e.At, "voter-joined", 0, e.Voter, $"voter {e.Voter} has no state and is told the floor"),
        FencingBegun e => new(e.At, "fencing", e.Epoch, null, $"fencing for epoch {e.Epoch}: {Because(e.Cause)}"),
        OwnershipGranted e => new(e.At, "granted", e.Epoch, e.Node, 
            e.Cause != Cause ? $"epoch {e.Epoch} granted to {e.Node}: {_grant?.Node} had ended without handing over" : $"epoch {e.Epoch} granted to {e.Node}: {Because(e.Cause)}"),
        OwnershipContinued e => new(
            e.At, "continued", e.Epoch, e.Node, $"{e.Node} goes on under epoch {e.Epoch} without stopping: some voters had been fenced though it lives"),
        OwnershipReleased e => new(e.At, "released", e.Epoch, e.Node, $"{e.Node} released epoch {e.Epoch}: {e.Reason}"),
        OwnerPowerFenced e => new(
            e.At, "power-fenced", e.Epoch, e.Node, $"the fence command for {e.Node} {(e.Succeeded ? "succeeded" : "failed")}: {e.Outcome}"),
        MoveBegun e => new(e.At, "move", e.Epoch, e.To, $"moving from {e.From} to {e.To}{Because(e.Why)}"),
        MoveAbandoned e => new(e.At, "move-abandoned", 0, e.To, $"the move to {e.To} was given up: {e.Reason}"),
        OwnershipStarted e => new(e.At, "started", e.Epoch, e.Node, $"it runs on {e.Node} under epoch {e.Epoch}"),
        OwnershipSettled e => new(e.At, "settled", e.Epoch, e.Node, $"it stays up on {e.Node}: earlier starts count no more"),
        OwnershipDamped e => new(
            e.At, "damped", e.Epoch, null, $"started {e.Starts} times and never stayed up: left alone until `clusterfs resume`"),
        OwnershipPaused e => new(e.At, "paused", 0, null, "paused"),
        OwnershipResumed e => new(e.At, "resumed", 0, null, "resumed"),
        _ => throw new ArgumentOutOfRangeException(nameof(happened), happened, "unknown event"),
    };

    private static string Because(MoveReason why) => why switch
    {
        MoveReason.Asked => "",
        MoveReason.Failback => ", because that is its preferred node",
        MoveReason.Together => ", because what it is kept together with is there",
        _ => throw new ArgumentOutOfRangeException(nameof(why), why, "unknown reason"),
    };

    private static string Because(GrantCause cause) => cause switch
    {
        GrantCause.Start => "it had no owner",
        GrantCause.Failover => "the owner's lease ran out",
        GrantCause.Move => "a planned move",
        _ => throw new ArgumentOutOfRangeException(nameof(cause), cause, "unknown cause"),
    };
}
