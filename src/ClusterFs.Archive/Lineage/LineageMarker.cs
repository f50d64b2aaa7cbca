using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClusterFs.Archive.Lineage;

/// <summary>What the content beside the marker derives from. Content is open for writing under this epoch, and under no other.</summary>
/// <param name="ClaimNonce">Of the claim that opened the content.</param>
/// <param name="DumpSlot">The newest dump the content contains; null when it contains none.</param>
/// <param name="LastSlot">The newest slot of this epoch: its claim or its last dump. The next dump takes the slot after it.</param>
internal sealed record ContentOrigin(long Epoch, long ClaimSlot, string ClaimNonce, long? DumpSlot, long LastSlot)
{
    /// <summary>An older dump was put in place of the content on purpose: the next dump is taken even if nothing differs from that one.</summary>
    public bool Rewound { get; init; }

    /// <summary>Nonce of the record in <see cref="LastSlot"/>, if that is a dump. Should another stand there, that dump never was in the line.</summary>
    public string? LastNonce { get; init; }
}

/// <summary>A takeover under way. Its nonce is kept so that a claim whose success was not heard of is recognised.</summary>
/// <param name="AfterMarker">
/// Whether there was a marker before the takeover began, be it readable or not. Content beside one was held under ClusterFs before: it is not
/// adopted, however often the takeover is tried.
/// </param>
internal sealed record PendingClaim(long Epoch, string Nonce, bool AfterMarker);

/// <summary>
/// An exchange of the content under way. Whether it happened shows by the inode of the directory that the live path names.
/// Its origin is that of the new content; null for content that no epoch opened.
/// </summary>
internal sealed record PendingSwap(string Name, ulong Inode, ContentOrigin? Origin);

/// <summary>
/// A change of the content in place under way. Whether it has begun, and the content is the new one, shows by the name of the plan. What is left to do needs
/// nothing but what is staged.
/// </summary>
/// <param name="Inode">Of the tree, wherever it is.</param>
/// <param name="Origin">Of the new content; null for content that no epoch opened.</param>
/// <param name="Plan">The SHA-256 of the plan: no other is followed.</param>
internal sealed record PendingChange(ulong Inode, ContentOrigin? Origin, string Plan);

/// <summary>The divergent dump that already holds the content as it lies there.</summary>
/// <param name="Fingerprint">Of the identities of all files when it was kept.</param>
internal sealed record KeptContent(string Id, string Fingerprint);

/// <summary>
/// Stands beside the live content and says what it is. It is replaced atomically, and only ever after what it says has become true and
/// durable.
/// </summary>
internal sealed record LineageMarker(string Service, string Node)
{
    private const int Version = 1;

    /// <summary>
    /// Of a marker with a change under way. Versions that know nothing of it would take the content for what it was before, though its tree is away: they refuse
    /// this one, so that the content counts for nothing there, and they restore the newest dump. What the tree held is in the archive, or was given up.
    /// </summary>
    private const int ChangingVersion = 2;

    public int Format { get; init; } = Version;

    [JsonIgnore]
    public bool IsKnown => Format == (Change is null ? Version : ChangingVersion);

    public ContentOrigin? Content { get; init; }

    public PendingClaim? Pending { get; init; }

    public PendingSwap? Swap { get; init; }

    public PendingChange? Change { get; init; }

    public KeptContent? Kept { get; init; }

    /// <summary>For people; the presence of <see cref="Swap"/> or <see cref="Change"/> says the same.</summary>
    public string State => Swap is null && Change is null ? "open" : "restoring";

    public LineageMarker With(PendingChange? change) => this with { Change = change, Format = change is null ? Version : ChangingVersion };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LineageMarker))]
internal sealed partial class MarkerJson : JsonSerializerContext;
