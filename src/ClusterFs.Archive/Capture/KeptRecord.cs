using System.Text.Json.Serialization;

namespace ClusterFs.Archive.Capture;

/// <summary>What a large file was when it was dumped.</summary>
/// <param name="Path">In the dump.</param>
/// <param name="Content">The digest of its content there: it names the index of the content's pages too.</param>
/// <param name="Size">Of that content, in bytes.</param>
/// <param name="File">The name of a clone in the directory of what is kept. Null: it is the live file itself.</param>
/// <param name="Identity">Of that file. One that is kept is nobody's to change, and this finds out if somebody did.</param>
/// <param name="Elsewhere">The ranges of the content that did not come from the file.</param>
internal sealed record KeptFile(string Path, string Content, long Size, string? File, FileIdentity Identity, IReadOnlyList<ByteRange> Elsewhere);

/// <summary>What is kept of the large files of a dump.</summary>
/// <param name="Dump">Its nonce.</param>
/// <param name="Boot">
/// Of the machine: a power cut may leave bytes of a file that are newer than its times, so that after it no identity counts.
/// </param>
internal sealed record KeptRecord(string Dump, string Boot, IReadOnlyList<KeptFile> Files)
{
    public const int Version = 1;

    public int Format { get; init; } = Version;

    /// <summary>What its clones take at most, should everything be written over.</summary>
    [JsonIgnore]
    public long Size => Files.Where(file => file.File is not null).Sum(file => file.Identity.Size);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(KeptRecord))]
internal sealed partial class KeptJson : JsonSerializerContext;
