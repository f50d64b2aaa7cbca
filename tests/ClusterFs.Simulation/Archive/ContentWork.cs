using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;

namespace ClusterFs.Simulation;

/// <summary>What became of a piece of work.</summary>
public enum WorkOutcome
{
    Done,
    Superseded,
}

/// <summary>
/// What a daemon does with content, by the production rules of the log and of lineage. Each piece of work is a walk that may end between any
/// two steps; what it gives back is how long the next step takes.
/// </summary>
public sealed class ContentWork(World world, Node node)
{
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public WorkOutcome Outcome { get; private set; }

    private LocalContentDisk Disk => node.Content;

    private SharedStorage Shared => world.Shared;

    public IEnumerator<TimeSpan> TakeOver(long epoch)
    {
        yield return Shared.Latency;
        LogRecord? read = null;
        if (Disk.Origin is { } current && current.Epoch == epoch)
        {
            foreach (var wait in CatchUp(current, end => read = end))
            {
                yield return wait;
            }

            Outcome = read is null ? WorkOutcome.Done : WorkOutcome.Superseded;
            yield break;
        }

        var hadMarker = Disk.Origin is not null || (Disk.Pending?.AfterMarker ?? Disk.HasMarker);
        if (Disk.Pending?.Epoch != epoch)
        {
            Disk.Pending = new PendingClaim(epoch, world.Random.NextGuid().ToString("N"), hadMarker);
            yield return Shared.Latency;
        }

        var draft = new ClaimRecord(World.Service, 0, Disk.Pending!.Nonce, epoch, node.Name, DateTimeOffset.UnixEpoch);
        var listed = Shared.Listed(node);
        SlotTaken? taken = null;
        foreach (var wait in Claim(draft, listed, ended => taken = ended))
        {
            yield return wait;
        }

        if (taken!.Outcome != SlotOutcome.Mine)
        {
            Outcome = WorkOutcome.Superseded;
            yield break;
        }

        foreach (var wait in Prepare((ClaimRecord)taken.Record, hadMarker, world.Bugs.Has(Bug.StaleListingClaim) ? listed + 1 : taken.Record.Slot))
        {
            yield return wait;
        }
    }

    /// <summary>The dump after the end; nothing to do where nothing was opened under the epoch.</summary>
    public IEnumerator<TimeSpan> FinalDump(long epoch)
    {
        if (Disk.Origin?.Epoch == epoch)
        {
            return Dump(epoch);
        }

        return Nothing();

        IEnumerator<TimeSpan> Nothing()
        {
            yield return Shared.Latency;
            Outcome = Shared.IsClaimed(node, epoch, Disk.Pending?.Nonce) ? WorkOutcome.Superseded : WorkOutcome.Done;
        }
    }

    public IEnumerator<TimeSpan> Dump(long epoch)
    {
        yield return Shared.Latency;
        if (Disk.Origin is not { } origin || origin.Epoch != epoch)
        {
            throw new SharedAwayException();
        }

        LogRecord? end = null;
        foreach (var wait in CatchUp(origin, found => end = found))
        {
            yield return wait;
        }

        if (end is not null && !world.Bugs.Has(Bug.NextClaimLine))
        {
            Outcome = WorkOutcome.Superseded;
            yield break;
        }

        origin = Disk.Origin;
        Disk.Write(world);
        var content = Disk.Content;
        yield return Shared.Latency + (world.Random.Chance(0.1) ? TimeSpan.FromSeconds(world.Random.Fraction() * 8) : TimeSpan.Zero);
        var dump = new DumpRecord(
            World.Service, origin.LastSlot + 1, world.Random.NextGuid().ToString("N"), epoch, node.Name, DateTimeOffset.UnixEpoch, SharedStorage.AnyContent);
        LogRecord? found2 = null;
        foreach (var wait in Take(dump, content, found => found2 = found))
        {
            yield return wait;
        }

        while (LogRules.OnDump(epoch, dump.Nonce, found2!) == SlotOutcome.WalkOn)
        {
            origin = origin with { LastSlot = found2!.Slot };
            Disk.Origin = origin;
            dump = dump with { Slot = found2.Slot + 1 };
            foreach (var wait in Take(dump, content, found => found2 = found))
            {
                yield return wait;
            }
        }

        while (world.Bugs.Has(Bug.NextClaimLine) && found2!.Nonce != dump.Nonce)
        {
            // A deliberate bug: readers shall make of it what they like.
            dump = dump with { Slot = dump.Slot + 1 };
            foreach (var wait in Take(dump, content, found => found2 = found))
            {
                yield return wait;
            }
        }

        if (LogRules.OnDump(epoch, dump.Nonce, found2!) != SlotOutcome.Mine)
        {
            Outcome = WorkOutcome.Superseded;
            yield break;
        }

        Shared.Acknowledged(dump);
        yield return Shared.Latency;
        Disk.Origin = origin with { DumpSlot = dump.Slot, LastSlot = dump.Slot };
        if (world.Bugs.Has(Bug.PrunedNames))
        {
            Shared.FreeNames(dump.Slot - 2);
        }
    }

    /// <summary>Another node goes on: what is not in the line is kept.</summary>
    public IEnumerator<TimeSpan> KeepDivergent()
    {
        yield return Shared.Latency;
        if (Disk.Origin is not { } origin || Disk.State != LocalState.Present)
        {
            yield break;
        }

        LogRecord? end = null;
        foreach (var wait in CatchUp(origin, found => end = found))
        {
            yield return wait;
        }

        if (end is null)
        {
            // The claim that must have ended the epoch cannot be seen yet.
            throw new SharedAwayException();
        }

        Keep();
    }

    private IEnumerable<TimeSpan> Claim(ClaimRecord draft, long listed, Action<SlotTaken> ended)
    {
        var step = ClaimWalk.Begin(draft, Disk.Origin?.LastSlot ?? 0, listed);
        while (true)
        {
            yield return Shared.Latency;
            LogRecord? found = null;
            switch (step)
            {
                case AwaitSlot known:
                    foreach (var wait in Await(known.Slot, record => found = record))
                    {
                        yield return wait;
                    }

                    step = ClaimWalk.Met(known, found!);
                    break;
                case LookAtSlot look:
                    step = ClaimWalk.Looked(look, Shared.TryRead(node, look.Slot));
                    break;
                case TakeSlot take:
                    foreach (var wait in Take(take.Draft, 0, record => found = record))
                    {
                        yield return wait;
                    }

                    step = ClaimWalk.Met(take, found!);
                    break;
                case ClaimEnded { Taken: { Outcome: SlotOutcome.Superseded } by } when world.Bugs.Has(Bug.NextClaimLine):
                    step = new LookAtSlot(draft, by.Record.Slot + 1, by.Record);
                    break;
                case ClaimEnded end:
                    ended(end.Taken);
                    yield break;
                case ClaimMetDamage damage:
                    world.Ledger.Violated($"{node.Name} finds the log damaged: {damage.Objection}");
                    break;
            }
        }
    }

    private IEnumerable<TimeSpan> Prepare(ClaimRecord claim, bool hadMarker, long seenBelow)
    {
        DumpRecord? head = null;
        LogRecord? before = null;
        LogRecord? opened = null;
        for (var slot = seenBelow - 1; slot >= 1 && head is null; slot--)
        {
            LogRecord? read = null;
            foreach (var wait in Await(slot, record => read = record))
            {
                yield return wait;
            }

            head = read as DumpRecord;
        }

        if (claim.Slot > 1)
        {
            foreach (var wait in Await(claim.Slot - 1, record => before = record))
            {
                yield return wait;
            }
        }

        var origin = Disk.Origin;
        if (origin is not null && origin.ClaimSlot < claim.Slot)
        {
            foreach (var wait in Await(origin.ClaimSlot, record => opened = record))
            {
                yield return wait;
            }
        }

        yield return Shared.Latency;
        var headContent = head is null ? 0 : Shared.ContentOf(head.Slot);
        var believed = head is not null && world.Bugs.Has(Bug.AdoptionPassesForOwn) ? head with { Adopts = null } : head;
        var proven = LineageRules.IsProven(origin, before, opened, believed);
        var plan = LineageRules.Decide(proven, hadMarker, head is not null, Disk.State);
        if (plan is TakeOverPlan.RestoreHead or TakeOverPlan.StartEmpty && (head is null || Disk.Content != headContent))
        {
            if (Disk.State == LocalState.Present)
            {
                Keep();
                yield return Shared.Latency;
            }

            // A restore takes its time.
            yield return world.Random.Chance(0.1) ? TimeSpan.FromSeconds(world.Random.Fraction() * 10) : Shared.Latency;
            var replacement = head is null ? world.Contents.After(0) : headContent;
            Shared.Replaced(node, Disk.Content, replacement);
            Disk.Replace(replacement);
        }

        yield return Shared.Latency;
        Disk.Origin = new ContentOrigin(claim.Epoch, claim.Slot, claim.Nonce, head?.Slot, Math.Max(claim.Slot, head?.Slot ?? 0));
        Disk.Pending = null;
        Outcome = WorkOutcome.Done;
    }

    private void Keep()
    {
        if (Disk.Origin?.DumpSlot is not { } basis || Shared.ContentOf(basis) != Disk.Content)
        {
            Shared.Keep(Disk.Content);
        }
    }

    private IEnumerable<TimeSpan> CatchUp(ContentOrigin origin, Action<LogRecord?> ended)
    {
        LogRecord? last = null;
        foreach (var wait in Await(origin.LastSlot, record => last = record))
        {
            yield return wait;
        }

        LogRecord? end = null;
        var newest = origin.DumpSlot;
        while (end is null && Shared.TryRead(node, last!.Slot + 1) is { } next)
        {
            if (LogRules.Objection(last, next) is { } objection)
            {
                world.Ledger.Violated($"{node.Name} finds the log damaged: {objection}");
            }

            if (LogRules.EndsEpoch(next) && !(next is DumpRecord && world.Bugs.Has(Bug.AdoptionEndsNothing)))
            {
                end = next;
            }
            else
            {
                last = next;
                newest = next is DumpRecord ? next.Slot : newest;
            }

            yield return Shared.Latency;
        }

        if (last!.Slot != origin.LastSlot)
        {
            Disk.Origin = origin with { DumpSlot = newest, LastSlot = last.Slot };
        }

        ended(end);
    }

    private IEnumerable<TimeSpan> Take(LogRecord record, int content, Action<LogRecord> found)
    {
        if (Shared.Link(node, record, content))
        {
            found(record);
            yield break;
        }

        foreach (var wait in Await(record.Slot, found))
        {
            yield return wait;
        }
    }

    /// <summary>Reads a slot that is known to be taken, waiting until it can be seen.</summary>
    private IEnumerable<TimeSpan> Await(long slot, Action<LogRecord> found)
    {
        var since = world.Now;
        while (true)
        {
            if (Shared.TryRead(node, slot) is { } record)
            {
                found(record);
                yield break;
            }

            if (world.Now - since >= Patience)
            {
                throw new SharedAwayException();
            }

            yield return Poll;
        }
    }
}
