using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Node.Health;

/// <summary>A verdict as JSON.</summary>
internal sealed record HealthAnswer(string Status, ImmutableArray<string> Reasons);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(HealthAnswer))]
internal sealed partial class HealthJson : JsonSerializerContext;
