using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Lineage;

internal enum LocalState
{
    /// <summary>The live path names nothing.</summary>
    Absent,

    /// <summary>An empty directory.</summary>
    Empty,

    Present,
}

/// <summary>What happens to the local content when its node takes over.</summary>
internal enum TakeOverPlan
{
    /// <summary>It is proven to be at least as new as the head of the line.</summary>
    Keep,

    /// <summary>It becomes the line's first content: data that was there before ClusterFs.</summary>
    Adopt,

    /// <summary>The head of the line takes its place; what it holds beyond the line is kept first.</summary>
    RestoreHead,

    /// <summary>An empty directory takes its place; what it holds is kept first. The line has no dump yet.</summary>
    StartEmpty,
}

/// <summary>The rules by which local content counts or does not, apart from all files.</summary>
internal static class LineageRules
{
    /// <summary>
    /// Whether local content is at least as new as everything before a claim: the last claim before it is the one under which the content was
    /// opened. Nobody else can have written to the line since, and the content was written by nobody else.
    /// </summary>
    /// <remarks>Content that was adopted meanwhile stands in the name of the epoch, and is no part of what was written under it.</remarks>
    /// <param name="before">The record in the slot before our claim; null when ours is the first.</param>
    /// <param name="opened">The record in the slot where the marker says its claim is.</param>
    /// <param name="head">The newest dump before our claim; null when there is none.</param>
    public static bool IsProven(ContentOrigin? origin, LogRecord? before, LogRecord? opened, LogRecord? head) =>
        origin is not null
        && before is not null
        && before.Epoch == origin.Epoch
        && opened is ClaimRecord
        && opened.Epoch == origin.Epoch
        && opened.Nonce == origin.ClaimNonce
        && !(head is DumpRecord { Adopts: not null } && head.Slot > origin.LastSlot)
        && !IsBehind(origin, head);

    /// <summary>
    /// Whether the line holds dumps that the content may lack: its disk was put back to an earlier state, marker and all. A crash alone keeps one
    /// dump from the marker at most, because no dump is committed before the marker names the one before it.
    /// </summary>
    /// <param name="newest">The newest record that was made from this content; null when there is none.</param>
    public static bool IsBehind(ContentOrigin origin, LogRecord? newest) => newest is not null && newest.Slot > origin.LastSlot + 1;

    /// <param name="hasMarker">Whether the node ever held content of the service here, even if the marker proves nothing.</param>
    /// <param name="hasHead">Whether the line has a dump.</param>
    public static TakeOverPlan Decide(bool proven, bool hasMarker, bool hasHead, LocalState local)
    {
        // A directory that is gone or empty proves nothing about what its service wrote: more likely a disk was changed or not mounted.
        if (local != LocalState.Present)
        {
            return hasHead ? TakeOverPlan.RestoreHead : TakeOverPlan.StartEmpty;
        }

        if (proven)
        {
            return TakeOverPlan.Keep;
        }

        if (hasHead)
        {
            return TakeOverPlan.RestoreHead;
        }

        return hasMarker ? TakeOverPlan.StartEmpty : TakeOverPlan.Adopt;
    }
}
