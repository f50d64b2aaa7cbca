using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Content.Config;

/// <summary>A version that a node could not use.</summary>
/// <param name="Words">Why, with what its check printed.</param>
/// <param name="At">By the node's wall clock: for people.</param>
internal sealed record FailedVersion(string Version, string Words, DateTimeOffset At);

/// <summary>What is under way on a node; after a crash, it is finished.</summary>
/// <param name="Version">Which has been checked and is being activated.</param>
/// <param name="Problem">Why the node is on its way back; null while it goes on.</param>
/// <param name="KeptBefore">What was kept aside beside the target by then: anything else was displaced by this version.</param>
internal sealed record ActivationUnderWay(string Version, string? Problem, ImmutableArray<string> KeptBefore);

/// <summary>What a node remembers of one config file.</summary>
/// <param name="Active">The version in use; null while there is none.</param>
/// <param name="Placed">
/// What was put in the target's place last, unless somebody changed it: the digest of a copy, the form of an include or a link. Null while
/// nothing was.
/// </param>
/// <param name="Original">Where that is kept which lay in the target's place first; null when nothing did, or nobody has to know any more.</param>
/// <param name="MadeTarget">The file that the block is in was not there before.</param>
/// <param name="UnderWay">Null while nothing is.</param>
/// <param name="Failed">The last version that this node refused; null when none, or a later one was fine.</param>
/// <param name="Seen">The version that lay on shared storage when this node looked last.</param>
/// <param name="ActivatedAt">By the node's wall clock: for people.</param>
internal sealed record ConfigRecord(
    string? Active,
    string? Placed,
    string? Original,
    bool MadeTarget,
    ActivationUnderWay? UnderWay,
    FailedVersion? Failed,
    string? Seen,
    DateTimeOffset? ActivatedAt)
{
    public const int CurrentFormat = 1;

    public static ConfigRecord Nothing { get; } = new(null, null, null, false, null, null, null, null);

    public int Format { get; init; } = CurrentFormat;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ConfigRecord))]
internal sealed partial class ConfigJson : JsonSerializerContext;
