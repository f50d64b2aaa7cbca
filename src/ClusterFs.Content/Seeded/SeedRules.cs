using System.Collections.Immutable;
using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Seeded;

/// <summary>What comes of a template on this node now.</summary>
/// <param name="Values">By name, digests of the values that stand in it.</param>
/// <param name="Digest">Of the content.</param>
internal sealed record Rendering(
    ReadOnlyMemory<byte> Content, string Digest, string Template, string TemplateDigest, ImmutableSortedDictionary<string, string> Values);

/// <summary>What is to be done about a seeded file.</summary>
internal abstract record SeedDecision
{
    private SeedDecision()
    {
    }

    /// <summary>What should be there is there.</summary>
    /// <param name="IsNews">That is not what the record says: it has to be remembered.</param>
    internal sealed record Current(bool IsNews) : SeedDecision;

    /// <summary>Put the rendering in the file's place.</summary>
    /// <param name="Reason">Why, in words that follow "because".</param>
    /// <param name="Keep">Why what lies there is somebody's own and is kept aside; null when it was rendered, or nothing is there.</param>
    internal sealed record Place(string Reason, string? Keep) : SeedDecision;

    /// <summary>Somebody changed what was rendered, and nothing else is new: it stays as it is, and is reported.</summary>
    internal sealed record LeaveEdited(string Reason) : SeedDecision;
}

/// <summary>Decides about seeded files. Pure.</summary>
internal static class SeedRules
{
    /// <param name="last">What the file was last rendered from; null when it never was, or nobody knows.</param>
    /// <param name="rendering">What should be there.</param>
    /// <param name="wanted">What attributes it should have.</param>
    /// <param name="found">What is there; null when nothing is.</param>
    /// <param name="asked">Somebody asked for the rendering, whatever lies there.</param>
    public static SeedDecision Decide(SeedOrigin? last, Rendering rendering, PlacedAttributes wanted, FoundFile? found, bool asked)
    {
        if (found is null)
        {
            return new SeedDecision.Place(last is null ? "it was never rendered here" : "it was gone", null);
        }

        if (found.Digest == rendering.Digest && !wanted.DifferFrom(found))
        {
            return new SeedDecision.Current(last is null || !IsFrom(last, rendering, wanted));
        }

        if (last is null)
        {
            return new SeedDecision.Place(
                "it was never rendered here", found.Digest == rendering.Digest ? null : "it was there before the first rendering");
        }

        var keep = found.Digest != last.Digest && found.Digest != rendering.Digest ? "it was changed on this node" : null;
        if (Changes(last, rendering, wanted, found) is { } change)
        {
            return new SeedDecision.Place(change, keep);
        }

        var edit = Edit(last, found) ?? "it is not what was rendered";
        return asked ? new SeedDecision.Place(edit, keep) : new SeedDecision.LeaveEdited(edit);
    }

    /// <summary>What has changed on this node since a rendering; null when nothing has.</summary>
    public static string? Edit(SeedOrigin last, FoundFile found) =>
        found.Digest != last.Digest ? "it was changed on this node since it was rendered"
        : last.Attributes.DifferFrom(found) ? "its owner or mode was changed on this node since it was rendered"
        : null;

    /// <summary>What has changed in template and values since a rendering, in words; null when the same comes of them.</summary>
    private static string? Changes(SeedOrigin last, Rendering rendering, PlacedAttributes wanted, FoundFile found)
    {
        var words = new List<string>();
        if (last.Digest != rendering.Digest)
        {
            if (last.Template != rendering.Template)
            {
                words.Add($"its template is now {rendering.Template}, and was {last.Template}");
            }
            else if (last.TemplateDigest != rendering.TemplateDigest)
            {
                words.Add("the template changed");
            }

            var names = rendering.Values.Where(value => last.Values.TryGetValue(value.Key, out var before) && before != value.Value).Select(value => $"%{value.Key}%").ToList();
            if (names.Count > 0)
            {
                words.Add($"{string.Join(", ", names)} changed");
            }
        }

        if (last.Attributes != wanted && wanted.DifferFrom(found))
        {
            words.Add("owner or mode in the configuration changed");
        }

        return words.Count == 0 ? null : string.Join("; ", words);
    }

    private static bool IsFrom(SeedOrigin last, Rendering rendering, PlacedAttributes wanted) =>
        last.Digest == rendering.Digest
        && last.Template == rendering.Template
        && last.TemplateDigest == rendering.TemplateDigest
        && last.Attributes == wanted
        && last.Values.Count == rendering.Values.Count
        && last.Values.All(value => rendering.Values.TryGetValue(value.Key, out var now) && now == value.Value);
}
