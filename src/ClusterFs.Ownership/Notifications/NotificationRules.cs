using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Ownership.Notifications;

/// <summary>Which entries of the history somebody may want to be told of. Pure.</summary>
internal static class NotificationRules
{
    /// <param name="entry">Of the event, in the history.</param>
    /// <param name="grant">The entry of the newest grant before it; null when there is none.</param>
    /// <param name="startsAreEntered">The start that follows a grant is in the history, too (failover.max); else the grant is told.</param>
    /// <returns>Null when nobody wants to know.</returns>
    public static Notification? Of(string service, OwnershipEvent happened, MeasuredEntry entry, MeasuredEntry? grant, bool startsAreEntered)
    {
        NotificationKind? kind = happened switch
        {
            OwnershipStarted => KindOf(entry.Cause),
            OwnershipGranted when !startsAreEntered => KindOf(entry.Cause),
            FencingBegun { Cause: GrantCause.Failover } => NotificationKind.Lost,
            OwnershipReleased { HandedOver: false } => NotificationKind.Lost,
            MoveAbandoned => NotificationKind.MoveAbandoned,
            OwnerPowerFenced => NotificationKind.PowerFenced,
            OwnershipDamped => NotificationKind.LeftAlone,
            OwnershipPaused => NotificationKind.Paused,
            OwnershipResumed => NotificationKind.Resumed,
            _ => null,
        };
        if (kind is not { } told)
        {
            return null;
        }

        // A start tells all there is to know of the grant that it is of: that one was told to nobody.
        var of = happened is OwnershipStarted started && grant?.Entry.Epoch == started.Epoch ? grant : null;
        return new Notification(
            told, service, entry.Entry.Node, entry.Entry.Epoch, entry.Cause, of is null ? entry.Entry.Text : $"{of.Entry.Text}; {entry.Entry.Text}", entry.Entry.At)
        {
            DurationSeconds = entry.DurationSeconds,
            LostSeconds = (of ?? entry).LostSeconds,
            LostBytes = (of ?? entry).LostBytes,
        };
    }

    /// <param name="cause">Null for a start whose fence is not in the history any more.</param>
    private static NotificationKind KindOf(string? cause) => cause switch
    {
        "failover" => NotificationKind.Failover,
        "move" => NotificationKind.Moved,
        _ => NotificationKind.Started,
    };
}
