using System.Text.Json.Serialization;

namespace ClusterFs.Archive.Lineage;

/// <summary>A dump of the line.</summary>
internal sealed record StandbyDump(long Slot, string Nonce);

/// <summary>
/// Says what the standby copy is. It is replaced atomically: before the copy is touched it says that the copy is being changed, and afterwards,
/// once all of it is durable, which dump it is.
/// </summary>
/// <param name="Inode">Of the directory that is the copy: no other is meant.</param>
internal sealed record StandbyRecord(string Service, ulong Inode)
{
    public const int Version = 1;

    public int Format { get; init; } = Version;

    /// <summary>The newest dump that the copy was, whole; null when it never was one.</summary>
    public StandbyDump? Dump { get; init; }

    /// <summary>The slot of the dump that the copy is being turned into; null when it is whole.</summary>
    public long? ChangingTo { get; init; }

    /// <summary>The boot of the machine in which the change began.</summary>
    public string? Boot { get; init; }

    /// <summary>
    /// The machine went down during a change: a file's bytes may have reached the disk and its times not, so that the identities in the index prove
    /// nothing until the copy is whole again.
    /// </summary>
    public bool Doubted { get; init; }

    /// <summary>Whether the index may be believed.</summary>
    public bool IsTrusted(string boot) => ChangingTo is null || (Boot == boot && !Doubted);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StandbyRecord))]
internal sealed partial class StandbyJson : JsonSerializerContext;
