using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Cli;

/// <summary>What <c>archive list --json</c> says. Its names are relied on.</summary>
public sealed record ArchiveListing(string Service, ImmutableArray<ListedDump> Dumps);

/// <param name="Sequence">What <c>archive restore --sequence</c> takes.</param>
/// <param name="StoredBytes">What it added to the archive.</param>
public sealed record ListedDump(
    long Sequence, long Epoch, string Node, DateTimeOffset At, long Files, long Bytes, long StoredBytes, string Guarantee);

/// <summary>What <c>divergent list --json</c> says.</summary>
public sealed record DivergentListing(string Service, ImmutableArray<ListedDivergent> Divergent);

/// <param name="Id">What <c>divergent export</c> takes.</param>
/// <param name="BaseSequence">The dump that it derives from; null when none is known.</param>
public sealed record ListedDivergent(
    string Id, long Epoch, string Node, DateTimeOffset At, long? BaseSequence, long Files, long Bytes, string Reason, string Guarantee);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ArchiveListing))]
[JsonSerializable(typeof(DivergentListing))]
internal sealed partial class ArchiveJson : JsonSerializerContext;
