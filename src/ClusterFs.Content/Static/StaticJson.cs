using System.Text.Json.Serialization;

namespace ClusterFs.Content.Static;

/// <summary>Which generation nodes have switched to, on shared storage.</summary>
/// <param name="Line">The log that its number is of.</param>
internal sealed record SwitchedRecord(long Generation, string? Line);

/// <summary>Files on shared storage that a node serves, or is about to.</summary>
/// <param name="Files">Names of generations' files.</param>
internal sealed record ServingRecord(string[] Files);

/// <summary>What a node remembers of a generation that it holds, beside it.</summary>
/// <param name="Files">Names the files.</param>
/// <param name="Line">The log that its number is of.</param>
/// <param name="At">When it was published.</param>
internal sealed record HeldRecord(long Number, string Files, string? Line, DateTimeOffset At, string Node, long FileCount, long Bytes)
{
    /// <summary>How many of the bytes are here, where that is neither all nor nothing.</summary>
    public long? LocalBytes { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SwitchedRecord))]
[JsonSerializable(typeof(HeldRecord))]
[JsonSerializable(typeof(ServingRecord))]
internal sealed partial class StaticJson : JsonSerializerContext;
