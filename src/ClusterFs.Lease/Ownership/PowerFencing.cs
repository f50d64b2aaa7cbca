using System.Collections.Immutable;

namespace ClusterFs.Lease.Ownership;

/// <summary>
/// What a command that cuts a node's power may shorten: the wait until the promises to the old owner are over, and nothing else (R11). It
/// runs only after a majority's floor has risen, so that a node which is back at once finds no majority for its old epoch.
/// </summary>
/// <param name="Nodes">Those that the command can reach.</param>
public sealed record PowerFencing(ImmutableSortedSet<string> Nodes)
{
    /// <summary>
    /// Whether to look for signs that the owner is gone before its promises end: only then can there be something to be shortened.
    /// </summary>
    internal bool Watches(OwnershipState state, Instant now) =>
        state.Record.OpenGrant is { } grant
        && Nodes.Contains(grant.Node)
        && state.BelieveExpiryFrom.HasComeBy(now)
        && !(OwnershipMachine.IsHeard(state, grant.Node, now) && state.Reports[grant.Node].Report.Phase is not null);

    /// <summary>
    /// Whether the owner is to be fenced although its promises run. A daemon that is silent proves nothing, and is restarted at will; but the
    /// guard renews four times in a TTL, and a majority that it has not reached for more than half of one was missed twice in a row.
    /// </summary>
    /// <param name="expiresIn">After which a majority's promises are over, by one fresh round of probes.</param>
    internal bool Suspects(OwnershipState state, TimeSpan expiresIn, Instant now) =>
        Watches(state, now) && expiresIn <= state.Record.OpenGrant!.Ttl * 7 / 16;

    /// <summary>The node whose power is to be cut now, once in an epoch; null when there is none.</summary>
    internal string? Target(OwnershipState state) =>
        state.Record.OpenGrant is { } grant
        && Nodes.Contains(grant.Node)
        && state.Fencing is { PowerAsked: false } round
        && state.Record.PowerFenced?.Epoch != round.Epoch
        && HasMajority(state, round)
            ? grant.Node
            : null;

    /// <summary>What the journal is to remember of a command that ended; null when it is no concern of this fence.</summary>
    internal static OwnerPowerFenced? Note(OwnershipState state) =>
        state.PowerAnswer is { } answer
        && state.Record.OpenGrant is { } grant
        && grant.Node == answer.Node
        && state.Fencing is { PowerAsked: true } round
        && round.Epoch == answer.Epoch
            ? new OwnerPowerFenced(DateTimeOffset.UnixEpoch, answer.Epoch, answer.Node, answer.Succeeded, answer.Outcome)
            : null;

    /// <summary>The node that had the epoch before was cut off after a majority's floor rose to exactly this one: nobody is to be waited for.</summary>
    internal static bool EndsTheWait(OwnershipState state) =>
        state.Fencing is { } round
        && state.Record is { PowerFenced: { Succeeded: true } done, OpenGrant: { } grant }
        && done.Epoch == round.Epoch
        && done.Node == grant.Node
        && HasMajority(state, round);

    private static bool HasMajority(OwnershipState state, FenceRound round) =>
        round.Epoch == state.Record.OpenFencing?.Epoch && Quorum.Reached(state.Electorate, round.Raised.Keys);
}
