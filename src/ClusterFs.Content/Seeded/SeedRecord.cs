using System.Collections.Immutable;
using System.Text.Json.Serialization;
using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Seeded;

/// <summary>What a seeded file was rendered from.</summary>
/// <param name="TemplateDigest">Of the template's text.</param>
/// <param name="Values">By name, digests of the values that stand in it.</param>
/// <param name="Digest">Of what came of it.</param>
/// <param name="At">By the node's wall clock: for people.</param>
/// <param name="Reason">Why it was rendered.</param>
internal sealed record SeedOrigin(
    string Template,
    string TemplateDigest,
    ImmutableSortedDictionary<string, string> Values,
    string Digest,
    PlacedAttributes Attributes,
    DateTimeOffset At,
    string Reason)
{
    /// <summary>Whether a file is as this was rendered: content, owner and mode.</summary>
    public bool IsIn(FoundFile found) => found.Digest == Digest && !Attributes.DifferFrom(found);
}

/// <summary>What a node remembers of one of its seeded files.</summary>
/// <param name="File">Its path.</param>
/// <param name="Last">What lies there, unless somebody changed it; null while nothing was rendered.</param>
/// <param name="Next">
/// What is about to be put there: after a crash, the file is either of the two, and whatever else lies in the staging directory is somebody's
/// own. Null while nothing is under way.
/// </param>
/// <param name="ReloadDue">The file was put in its place and nobody was told yet.</param>
internal sealed record SeedRecord(string File, SeedOrigin? Last, SeedOrigin? Next, bool ReloadDue)
{
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SeedRecord))]
internal sealed partial class SeedJson : JsonSerializerContext;
