using System.Collections.Immutable;
using System.Text.Json.Serialization;
using ClusterFs.Api;

namespace ClusterFs.Cli;

/// <summary>What <c>static list --json</c> says. Its names are relied on.</summary>
/// <param name="Switched">The newest generation that nodes are known to have switched to; 0 for none.</param>
public sealed record StaticListing(string Service, string Name, long Switched, ImmutableArray<ListedGeneration> Generations);

/// <param name="StoredBytes">What it added to shared storage.</param>
/// <param name="Repeats">The oldest generation that is there with the same files; null when it is this one.</param>
public sealed record ListedGeneration(long Generation, DateTimeOffset At, string Node, long Files, long Bytes, long StoredBytes, long? Repeats);

/// <summary>What <c>static publish --json</c> and <c>static rollback --json</c> say.</summary>
/// <param name="IsNew">False when the newest generation had the directory's content already.</param>
/// <param name="Changed">Files, directories and links that differ from the generation before.</param>
/// <param name="Nodes">Null where no daemon runs here.</param>
public sealed record Publication(
    string Service, string Name, long Generation, bool IsNew, long Files, long Bytes, long StoredBytes, long Changed, ImmutableArray<StaticNodeReport>? Nodes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StaticListing))]
[JsonSerializable(typeof(Publication))]
internal sealed partial class StaticJson : JsonSerializerContext;
