namespace ClusterFs.Archive.Log;

/// <summary>What a writer does next, given the record it found in the slot it wanted.</summary>
internal enum SlotOutcome
{
    /// <summary>The slot holds the writer's own record: a success whose answer got lost.</summary>
    Mine,

    /// <summary>A claim tries the slot after this one; so does a dump, once it has seen that what it builds on has not been pruned.</summary>
    WalkOn,

    /// <summary>A higher epoch has claimed, or other content was made the head: the writer is finished for good.</summary>
    Superseded,

    /// <summary>Another writer uses the same epoch, which only a broken lease allows.</summary>
    Conflict,
}

/// <summary>
/// The rules of the log, apart from all files. A slot is taken by whoever creates it first; no clock, no lock and no listing has a say.
/// Because a dump only takes the slot after its writer's newest record, and a claim only a slot whose predecessor it has read, the log
/// stays dense and its epochs never fall.
/// </summary>
internal static class LogRules
{
    /// <summary>A claim found a record, in a slot it wanted or on its way there.</summary>
    public static SlotOutcome OnClaim(long epoch, string nonce, LogRecord found)
    {
        if (found.Nonce == nonce)
        {
            return SlotOutcome.Mine;
        }

        return found.Epoch >= epoch ? SlotOutcome.Superseded : SlotOutcome.WalkOn;
    }

    /// <summary>A dump found a record in the slot after its predecessor. It walks on behind nothing but a prune record of its own epoch.</summary>
    public static SlotOutcome OnDump(long epoch, string nonce, LogRecord found)
    {
        if (found.Nonce == nonce)
        {
            return SlotOutcome.Mine;
        }

        return found switch
        {
            ClaimRecord when found.Epoch > epoch => SlotOutcome.Superseded,
            DumpRecord { Adopts: not null } when found.Epoch == epoch => SlotOutcome.Superseded,
            PruneRecord when found.Epoch == epoch => SlotOutcome.WalkOn,
            _ => SlotOutcome.Conflict,
        };
    }

    /// <summary>Whether a record ends the epoch before it, for whoever dumps under that: a claim, or content that was made the head.</summary>
    public static bool EndsEpoch(LogRecord record) => record is ClaimRecord or DumpRecord { Adopts: not null };

    /// <summary>Why a record cannot follow its predecessor.</summary>
    /// <returns>Null when it can.</returns>
    public static string? Objection(LogRecord? previous, LogRecord next) => next switch
    {
        ClaimRecord when previous is not null && next.Epoch <= previous.Epoch =>
            $"it claims epoch {next.Epoch} after epoch {previous.Epoch} in slot {previous.Slot}",
        DumpRecord or PruneRecord when previous is null => $"it is a {Word(next)} in the first slot, which must hold a claim",
        DumpRecord or PruneRecord when next.Epoch != previous!.Epoch || next.Node != previous.Node =>
            $"it is a {Word(next)} of epoch {next.Epoch} by {next.Node} after epoch {previous.Epoch} of {previous.Node} in slot {previous.Slot}",
        DumpRecord { Adopts: null } when previous is DumpRecord { Adopts: not null } =>
            $"it is a dump of epoch {next.Epoch}, which ended in slot {previous.Slot} when {((DumpRecord)previous).Adopts} was adopted",
        _ => null,
    };

    private static string Word(LogRecord record) => record switch
    {
        DumpRecord { Adopts: not null } => "record of an adoption",
        DumpRecord => "dump",
        _ => "prune record",
    };
}
