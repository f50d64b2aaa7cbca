using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Content.Config.Rollout;

/// <summary>How a roll-out ended on a node.</summary>
public enum NodeOutcome
{
    /// <summary>The version is in use there.</summary>
    Passed,

    /// <summary>The node was away; it takes the version when it is back, once the roll-out has finished.</summary>
    PassedOver,
}

/// <summary>Why a roll-out was stopped.</summary>
/// <param name="Words">What the node said, with what its check printed.</param>
public sealed record RolloutFailure(string Node, string Words);

/// <summary>One version on its way from node to node.</summary>
/// <param name="Order">The nodes, in turn.</param>
/// <param name="Done">The nodes that need no turn any more.</param>
/// <param name="Running">The node that has begun and has not said how it ended; null while none has.</param>
/// <param name="Failure">Null while none of them failed.</param>
/// <param name="Began">The number of its first slot, which tells it from every other one; 0 before it has one.</param>
public sealed record RolloutProgress(
    string Version, ImmutableArray<string> Order, ImmutableSortedDictionary<string, NodeOutcome> Done, string? Running, RolloutFailure? Failure, long Began)
{
    [JsonIgnore]
    public bool IsFinished => Failure is null && Order.All(Done.ContainsKey);

    [JsonIgnore]
    public bool IsOpen => Failure is null && !IsFinished;

    /// <summary>Whose turn it is; null when nobody's is.</summary>
    [JsonIgnore]
    public string? Next => IsOpen ? Order.First(node => !Done.ContainsKey(node)) : null;
}

/// <summary>
/// All that the nodes have to know of one config file together: what the newest slot of its log holds. Each slot is taken once, by whoever saw the
/// one before, so that no two nodes ever go on from the same state.
/// </summary>
/// <param name="Number">Of the slot; from 1.</param>
/// <param name="Nonce">Made up by the writer; tells a retried success from a loss.</param>
/// <param name="Writer">The node that wrote it.</param>
/// <param name="At">By the writer's wall clock: for people.</param>
/// <param name="Good">The last version that has passed a roll-out; null while none has.</param>
/// <param name="GoodBegan">The first slot of that roll-out; 0 while none has passed.</param>
/// <param name="Rollout">The newest one.</param>
public sealed record RolloutState(long Number, string Nonce, string Writer, DateTimeOffset At, string? Good, long GoodBegan, RolloutProgress Rollout)
{
    public const int CurrentFormat = 1;

    public int Format { get; init; } = CurrentFormat;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(RolloutState))]
internal sealed partial class RolloutJson : JsonSerializerContext;
