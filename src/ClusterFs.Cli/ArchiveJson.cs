using System.Collections.Immutable;
using System.Text.Json.Serialization;
using ClusterFs.Archive;

namespace ClusterFs.Cli;

/// <summary>What <c>archive list --json</c> says. Its names are relied on.</summary>
public sealed record ArchiveListing(string Service, ImmutableArray<ListedDump> Dumps);

/// <param name="Sequence">What <c>archive restore --sequence</c> takes.</param>
/// <param name="StoredBytes">What it added to the archive.</param>
/// <param name="Adopted">The divergent content that somebody made this dump of; null when its owner took it.</param>
public sealed record ListedDump(
    long Sequence, long Epoch, string Node, DateTimeOffset At, long Files, long Bytes, long StoredBytes, string Guarantee, string? Adopted);

/// <summary>What <c>divergent list --json</c> says.</summary>
public sealed record DivergentListing(string Service, ImmutableArray<ListedDivergent> Divergent);

/// <param name="Id">What the other commands of <c>divergent</c> take.</param>
/// <param name="BaseSequence">The dump that it derives from; null when none is known.</param>
public sealed record ListedDivergent(
    string Id, long Epoch, string Node, DateTimeOffset At, long? BaseSequence, long Files, long Bytes, string Reason, string Guarantee);

/// <summary>What <c>divergent show --json</c> says: what was kept, and how it differs from the dump that it derives from.</summary>
public sealed record ShownDivergent(
    string Service, ListedDivergent Divergent, long Added, long Changed, long Removed, ImmutableArray<ShownChange> Changes);

/// <summary>What <c>divergent adopt --json</c> says.</summary>
/// <param name="Sequence">Of the dump that it became, which the service starts from next.</param>
public sealed record AdoptedDivergent(string Service, string Id, long Sequence);

/// <summary>What <c>divergent discard --json</c> says.</summary>
public sealed record DiscardedDivergent(string Service, string Id);

/// <summary>What <c>archive show --json</c> says: a dump, and how it differs from the one before.</summary>
public sealed record ShownDump(
    string Service, ListedDump Dump, long? Before, long Added, long Changed, long Removed, ImmutableArray<ShownChange> Changes);

/// <param name="Kind">added, changed or removed.</param>
/// <param name="Bytes">The file's size; of a removed one, what it had.</param>
public sealed record ShownChange(string Kind, string Path, long Bytes)
{
    internal static ShownChange Of(EntryChange change) => new(
        change.Kind switch
        {
            ChangeKind.Added => "added",
            ChangeKind.Removed => "removed",
            _ => "changed",
        },
        change.Path,
        change.Bytes);
}

/// <summary>What <c>archive verify --json</c> says of each dump.</summary>
public sealed record VerifiedDump(long Sequence, long Files, long Bytes, ImmutableArray<string> Damages);

/// <summary>What <c>archive verify --json</c> says.</summary>
public sealed record Verification(string Service, bool Full, ImmutableArray<VerifiedDump> Dumps);

/// <summary>What <c>archive rehearse --json</c> says.</summary>
/// <param name="CheckSeconds">Null when no check was run.</param>
/// <param name="Problem">Why it was not restored, or what its check found; null when it passed.</param>
public sealed record Rehearsed(
    string Service, long Sequence, bool Passed, long Bytes, double RestoreSeconds, double? CheckSeconds, string? Problem);

/// <summary>What <c>archive prune --json</c> says.</summary>
/// <param name="DryRun">Nothing was changed: Dumps are those that would be pruned.</param>
/// <param name="Waiting">Pruned dumps whose space a later prune frees.</param>
/// <param name="Judged">Every dump that could be restored before.</param>
public sealed record Pruned(
    string Service, bool DryRun, int Dumps, long FreedBytes, int Waiting, ImmutableArray<JudgedSequence> Judged);

/// <param name="Stays">The rules that keep it; empty when it is pruned.</param>
public sealed record JudgedSequence(long Sequence, DateTimeOffset At, ImmutableArray<string> Stays);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ArchiveListing))]
[JsonSerializable(typeof(DivergentListing))]
[JsonSerializable(typeof(ShownDivergent))]
[JsonSerializable(typeof(AdoptedDivergent))]
[JsonSerializable(typeof(DiscardedDivergent))]
[JsonSerializable(typeof(ShownDump))]
[JsonSerializable(typeof(Verification))]
[JsonSerializable(typeof(Pruned))]
[JsonSerializable(typeof(Rehearsed))]
internal sealed partial class ArchiveJson : JsonSerializerContext;
