using System.Text.Json.Serialization;

namespace ClusterFs.Content.Static;

/// <summary>Which generation nodes have switched to, on shared storage.</summary>
internal sealed record SwitchedRecord(long Generation);

/// <summary>What a node remembers of a generation that it holds, beside it.</summary>
/// <param name="Files">Names the files.</param>
/// <param name="At">When it was published.</param>
internal sealed record HeldRecord(long Number, string Files, DateTimeOffset At, string Node, long FileCount, long Bytes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SwitchedRecord))]
[JsonSerializable(typeof(HeldRecord))]
internal sealed partial class StaticJson : JsonSerializerContext;
