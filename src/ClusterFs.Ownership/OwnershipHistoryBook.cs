using System.Globalization;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership;

/// <summary>The newest events in words. Bounded.</summary>
internal sealed class OwnershipHistoryBook
{
    public const int Capacity = 200;

    private readonly Queue<HistoryEntry> _entries = new();
    private FencingBegun? _fencing;
    private OwnershipGranted? _grant;

    public HistoryEntry[] Entries => [.. _entries];

    public HistoryEntry Enter(OwnershipEvent happened)
    {
        if (_entries.Count == Capacity)
        {
            _entries.Dequeue();
        }

        var entry = Measure(happened, Describe(happened));
        _fencing = happened as FencingBegun ?? _fencing;
        _grant = happened as OwnershipGranted ?? _grant;
        _entries.Enqueue(entry);
        return entry;
    }

    /// <summary>What an event tells together with those before it.</summary>
    private HistoryEntry Measure(OwnershipEvent happened, HistoryEntry entry)
    {
        switch (happened)
        {
            case FencingBegun fencing:
                return entry with { Cause = Word(fencing.Cause) };
            case OwnershipGranted { Lost: { } lost } grant:
                return entry with
                {
                    Cause = Word(grant.Cause),
                    LostSeconds = lost.Seconds,
                    LostBytes = lost.Bytes,
                    Text = string.Create(
                        CultureInfo.InvariantCulture, $"{entry.Text}; {lost.Seconds:0.0} s of writes were at risk when {lost.Node} was heard last"),
                };
            case OwnershipGranted grant:
                return entry with
                {
                    Cause = Word(grant.Cause),
                    Text = grant.Cause == GrantCause.Failover ? $"{entry.Text}; what was at risk is not known" : entry.Text,
                };
            case OwnershipStarted started when _grant is { } grant && grant.Epoch == started.Epoch && _fencing is { } begun && begun.Epoch == started.Epoch:
                var took = Math.Max(0, Math.Round((started.At - begun.At).TotalSeconds, 3));
                return entry with
                {
                    Cause = Word(grant.Cause),
                    DurationSeconds = took,
                    Text = string.Create(CultureInfo.InvariantCulture, $"{entry.Text}, {took:0.0} s after the fence for it began"),
                };
            default:
                return entry;
        }
    }

    private static string Word(GrantCause cause) => cause.ToString().ToLowerInvariant();

    private static HistoryEntry Describe(OwnershipEvent happened) => happened switch
    {
        VoterJoined e => new(e.At, "voter-joined", 0, e.Voter, $"voter {e.Voter} has no state and is told the floor"),
        FencingBegun e => new(e.At, "fencing", e.Epoch, null, $"fencing for epoch {e.Epoch}: {Because(e.Cause)}"),
        OwnershipGranted e => new(e.At, "granted", e.Epoch, e.Node, $"epoch {e.Epoch} granted to {e.Node}: {Because(e.Cause)}"),
        OwnershipContinued e => new(
            e.At, "continued", e.Epoch, e.Node, $"{e.Node} goes on under epoch {e.Epoch} without stopping: some voters had been fenced though it lives"),
        OwnershipReleased e => new(e.At, "released", e.Epoch, e.Node, $"{e.Node} released epoch {e.Epoch}: {e.Reason}"),
        OwnerPowerFenced e => new(
            e.At, "power-fenced", e.Epoch, e.Node, $"the fence command for {e.Node} {(e.Succeeded ? "succeeded" : "failed")}: {e.Outcome}"),
        MoveBegun e => new(e.At, "move", e.Epoch, e.To, $"moving from {e.From} to {e.To}"),
        MoveAbandoned e => new(e.At, "move-abandoned", 0, e.To, $"the move to {e.To} was given up: {e.Reason}"),
        OwnershipStarted e => new(e.At, "started", e.Epoch, e.Node, $"it runs on {e.Node} under epoch {e.Epoch}"),
        OwnershipSettled e => new(e.At, "settled", e.Epoch, e.Node, $"it stays up on {e.Node}: earlier starts count no more"),
        OwnershipDamped e => new(
            e.At, "damped", e.Epoch, null, $"started {e.Starts} times and never stayed up: left alone until `clusterfs resume`"),
        OwnershipPaused e => new(e.At, "paused", 0, null, "paused"),
        OwnershipResumed e => new(e.At, "resumed", 0, null, "resumed"),
        _ => throw new ArgumentOutOfRangeException(nameof(happened), happened, "unknown event"),
    };

    private static string Because(GrantCause cause) => cause switch
    {
        GrantCause.Start => "it had no owner",
        GrantCause.Failover => "the owner's lease ran out",
        GrantCause.Move => "a planned move",
        _ => throw new ArgumentOutOfRangeException(nameof(cause), cause, "unknown cause"),
    };
}
