using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Manifests;

/// <summary>A node of the list of entries.</summary>
/// <param name="Digest">Of its bytes.</param>
internal readonly record struct ListNode(Digest Digest, Piece Place);

/// <summary>What a record refers to: the head of a dump's list of entries.</summary>
/// <param name="PageSeed">Of the hashes of pages.</param>
/// <param name="Level">Of the list's root; 0 is a leaf.</param>
/// <param name="List">The list's root; null when there are no entries.</param>
internal sealed record ManifestRoot(string Service, string Nonce, RootAttributes Root, long PageSeed, int Level, ListNode? List)
{
    public const int Version = 2;

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(
        new ManifestFields
        {
            Format = Version,
            Service = Service,
            Nonce = Nonce,
            Root = new RootFields(Root.Mode, Root.User, Root.Group, Root.Attributes is { } list ? Convert.ToBase64String(list.Stored) : null),
            PageSeed = PageSeed.ToString("x16", CultureInfo.InvariantCulture),
            List = List is { } node
                ? new ListFields(
                    Level, node.Place.Pack.ToString(), node.Place.Block, node.Place.Offset, node.Place.Length, node.Digest.ToString())
                : null,
        },
        ManifestJson.Default.ManifestFields);

    /// <param name="file">The pack it was read from; for messages.</param>
    public static ManifestRoot Read(string file, ReadOnlySpan<byte> bytes)
    {
        ManifestFields? fields;
        try
        {
            fields = JsonSerializer.Deserialize(bytes, ManifestJson.Default.ManifestFields);
        }
        catch (JsonException error)
        {
            throw new DamagedArchiveException(file, $"its manifest cannot be read: {error.Message}", error);
        }

        if (fields is null || fields.Format != Version)
        {
            throw new UnsupportedArchiveException(file, $"the format of its manifest is {fields?.Format}, known is {Version}");
        }

        if (fields.Service is null || fields.Nonce is null || fields.Root is null
            || !long.TryParse(fields.PageSeed, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var seed))
        {
            throw new HostileManifestException(file, "fields are missing");
        }

        try
        {
            var root = new RootAttributes(fields.Root.Mode, fields.Root.Uid, fields.Root.Gid)
            {
                Attributes = AttributeList.Read(Convert.FromBase64String(fields.Root.Xattrs ?? string.Empty)),
            };
            return new ManifestRoot(fields.Service, fields.Nonce, root, seed, fields.List?.Level ?? 0, NodeOf(fields.List));
        }
        catch (FormatException error)
        {
            throw new HostileManifestException(file, error.Message);
        }
    }

    private static ListNode? NodeOf(ListFields? list) => list is null
        ? null
        : new ListNode(
            Digest.TryParse(list.Sha256 ?? string.Empty) ?? throw new FormatException("its list has no SHA-256"),
            new Piece(PackId.Parse(list.Pack ?? string.Empty), list.Block, list.Offset, list.Length));
}

internal sealed record ManifestFields
{
    public int Format { get; init; }

    public string? Service { get; init; }

    public string? Nonce { get; init; }

    public RootFields? Root { get; init; }

    public string? PageSeed { get; init; }

    public ListFields? List { get; init; }
}

internal sealed record RootFields(uint Mode, uint Uid, uint Gid, string? Xattrs);

internal sealed record ListFields(int Level, string? Pack, int Block, int Offset, int Length, string? Sha256);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ManifestFields))]
internal sealed partial class ManifestJson : JsonSerializerContext;
