using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Content.Config;

/// <summary>A version that a node could not use.</summary>
/// <param name="Words">Why, with what its check printed.</param>
/// <param name="Rollout">In which roll-out: the number of its first slot.</param>
/// <param name="At">By the node's wall clock: for people.</param>
internal sealed record FailedVersion(string Version, string Words, long Rollout, DateTimeOffset At);

/// <summary>What is under way on a node; after a crash, it is finished.</summary>
/// <param name="Version">Which has been checked and is being activated.</param>
/// <param name="Problem">Why the node is on its way back; null while it goes on.</param>
/// <param name="KeptBefore">What was kept aside beside the target by then: anything else was displaced by this version.</param>
/// <param name="From">Where the link led before: on the way back, it leads there again.</param>
/// <param name="WasThere">The target was as it should be before anything was put there: it is somebody's own, and is never taken away.</param>
/// <param name="Rollout">The number of the roll-out's first slot.</param>
internal sealed record ActivationUnderWay(string Version, string? Problem, ImmutableArray<string> KeptBefore, string? From, bool WasThere, long Rollout);

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
/// <param name="Rollout">By which roll-out the active version came: the number of its first slot; 0 while there is none.</param>
internal sealed record ConfigRecord(
    string? Active,
    string? Placed,
    string? Original,
    bool MadeTarget,
    ActivationUnderWay? UnderWay,
    FailedVersion? Failed,
    string? Seen,
    DateTimeOffset? ActivatedAt,
    long Rollout)
{
    public const int CurrentFormat = 1;

    public static ConfigRecord Nothing { get; } = new(null, null, null, false, null, null, null, null, 0);

    public int Format { get; init; } = CurrentFormat;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ConfigRecord))]
internal sealed partial class ConfigJson : JsonSerializerContext;
