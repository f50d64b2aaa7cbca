namespace ClusterFs.Archive.Log;

/// <summary>What a claim does next on its way through the log.</summary>
/// <param name="Slot">Where.</param>
internal abstract record ClaimStep(ClaimRecord Draft, long Slot);

/// <summary>Read a slot that is known to be taken, and wait until it can be seen.</summary>
internal sealed record AwaitSlot(ClaimRecord Draft, long Slot) : ClaimStep(Draft, Slot);

/// <summary>Read a slot, if anything can be seen there.</summary>
/// <param name="Previous">What stands in the slot before; null before the first.</param>
internal sealed record LookAtSlot(ClaimRecord Draft, long Slot, LogRecord? Previous) : ClaimStep(Draft, Slot);

/// <summary>Create the record in its slot, exclusively; whatever stands there afterwards is met.</summary>
internal sealed record TakeSlot(ClaimRecord Draft, LogRecord? Previous) : ClaimStep(Draft, Draft.Slot);

/// <summary>The walk is over.</summary>
/// <param name="FoundOwn">The record was there already: its link was made by an attempt that did not hear so, and it may not be durable.</param>
internal sealed record ClaimEnded(ClaimRecord Draft, SlotTaken Taken, bool FoundOwn) : ClaimStep(Draft, Taken.Record.Slot);

/// <summary>The log is not what was written.</summary>
internal sealed record ClaimMetDamage(ClaimRecord Draft, long Slot, string Objection) : ClaimStep(Draft, Slot);

/// <summary>
/// The way of a claim to the next free slot, apart from all files. It starts at the highest record that can be seen: that one's existence
/// proves all before it, and its epoch is the highest so far. From there on every record is read, because what a listing shows may be old.
/// </summary>
internal static class ClaimWalk
{
    /// <param name="known">A slot known to be taken; 0 when none is.</param>
    /// <param name="listed">The highest slot that a listing shows; 0 when it shows none.</param>
    public static ClaimStep Begin(ClaimRecord draft, long known, long listed)
    {
        var highest = Math.Max(1, Math.Max(known, listed));
        return highest > 1 || known > 0 ? new AwaitSlot(draft, highest) : new LookAtSlot(draft, 1, null);
    }

    /// <summary>The slot was looked at.</summary>
    /// <param name="seen">Null when it is free, or taken and not yet visible.</param>
    public static ClaimStep Looked(LookAtSlot step, LogRecord? seen) =>
        seen is null ? new TakeSlot(step.Draft with { Slot = step.Slot }, step.Previous) : Judge(step.Draft, step.Previous, seen, wasThere: true, isFirst: false);

    /// <summary>The slot that must be taken was read.</summary>
    public static ClaimStep Met(AwaitSlot step, LogRecord found) => Judge(step.Draft, null, found, wasThere: true, isFirst: true);

    /// <summary>The slot was to be taken, and this stands in it now.</summary>
    public static ClaimStep Met(TakeSlot step, LogRecord found) => Judge(step.Draft, step.Previous, found, wasThere: false, isFirst: false);

    private static ClaimStep Judge(ClaimRecord draft, LogRecord? previous, LogRecord found, bool wasThere, bool isFirst)
    {
        var outcome = LogRules.OnClaim(draft.Epoch, draft.Nonce, found);
        if (outcome == SlotOutcome.Mine)
        {
            return new ClaimEnded(draft, new SlotTaken(outcome, found), wasThere);
        }

        if (!isFirst && LogRules.Objection(previous, found) is { } objection)
        {
            return new ClaimMetDamage(draft, found.Slot, objection);
        }

        return outcome == SlotOutcome.WalkOn
            ? new LookAtSlot(draft, found.Slot + 1, found)
            : new ClaimEnded(draft, new SlotTaken(outcome, found), FoundOwn: false);
    }
}
