using System.Text.Json;
using System.Text.Json.Serialization;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Packs;

/// <summary>
/// The bytes of a manifest. Extents are arrays of numbers, [pack, offset, length, size], where pack is an index into the list of packs:
/// a big database has thousands of them.
/// </summary>
internal static class ManifestFormat
{
    public const int Version = 1;
    private const string FileKindName = "file";
    private const string DirectoryKindName = "dir";
    private const string LinkKindName = "symlink";

    public static byte[] Write(Manifest manifest)
    {
        var packs = new List<string>();
        var indexes = new Dictionary<string, int>();
        var fields = new ManifestFields
        {
            Format = Version,
            Service = manifest.Service,
            Nonce = manifest.Nonce,
            Root = new RootFields(manifest.Root.Mode, manifest.Root.User, manifest.Root.Group),
            Packs = packs,
            Entries = [.. manifest.Entries.Select(Fields)],
        };
        return JsonSerializer.SerializeToUtf8Bytes(fields, ManifestJson.Default.ManifestFields);

        EntryFields Fields(ManifestEntry entry) => new()
        {
            Path = entry.Path,
            Kind = entry.Kind switch
            {
                FileKind.File => FileKindName,
                FileKind.Directory => DirectoryKindName,
                _ => LinkKindName,
            },
            Mode = entry.Mode,
            Uid = entry.User,
            Gid = entry.Group,
            Mtime = entry.ModifiedNs,
            Size = entry.Content?.Size,
            Sha256 = entry.Content?.Sha256,
            Extents = entry.Content is { } content ? [.. content.Extents.Select(Numbers)] : null,
            Method = entry.Kind == FileKind.File ? MethodName(entry.Method) : null,
            Torn = entry.ChangedWhileCopied ? true : null,
            Target = entry.Target,
        };

        long[] Numbers(Extent extent)
        {
            if (!indexes.TryGetValue(extent.Pack, out var index))
            {
                index = packs.Count;
                packs.Add(extent.Pack);
                indexes.Add(extent.Pack, index);
            }

            return [index, extent.Offset, extent.Length, extent.Size];
        }
    }

    /// <param name="file">The pack it was read from; for messages.</param>
    public static Manifest Read(string file, ReadOnlySpan<byte> bytes)
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

        if (fields.Service is null || fields.Nonce is null || fields.Root is null || fields.Packs is null || fields.Entries is null)
        {
            throw new HostileManifestException(file, "fields are missing");
        }

        return new Manifest(
            fields.Service,
            fields.Nonce,
            new RootAttributes(fields.Root.Mode, fields.Root.Uid, fields.Root.Gid),
            [.. fields.Entries.Select(entry => Entry(file, entry, fields.Packs))]);
    }

    private static ManifestEntry Entry(string file, EntryFields fields, List<string> packs)
    {
        var kind = fields.Kind switch
        {
            FileKindName => FileKind.File,
            DirectoryKindName => FileKind.Directory,
            LinkKindName => FileKind.SymbolicLink,
            _ => throw new UnsupportedArchiveException(file, $"it holds '{fields.Path}' of kind '{fields.Kind}'"),
        };
        return new ManifestEntry(fields.Path ?? string.Empty, kind, fields.Mode, fields.Uid, fields.Gid, fields.Mtime)
        {
            Content = kind == FileKind.File
                ? new FileContent(
                    fields.Size ?? -1,
                    fields.Sha256 ?? string.Empty,
                    [.. (fields.Extents ?? []).Select(numbers => ExtentOf(file, fields.Path, numbers, packs))])
                : null,
            Method = kind == FileKind.File ? MethodOf(file, fields) : default,
            ChangedWhileCopied = fields.Torn ?? false,
            Target = fields.Target,
        };
    }

    private static Extent ExtentOf(string file, string? path, long[]? numbers, List<string> packs) =>
        numbers is [>= 0 and var pack, >= 0 and var offset, > 0 and <= int.MaxValue and var length, > 0 and <= int.MaxValue and var size]
        && pack < packs.Count
            ? new Extent(packs[(int)pack], offset, (int)length, (int)size)
            : throw new HostileManifestException(file, $"'{path}' has an impossible extent");

    private static string MethodName(CaptureMethod method) => method switch
    {
        CaptureMethod.Sqlite => "sqlite",
        CaptureMethod.Raw => "raw",
        _ => "copy",
    };

    private static CaptureMethod MethodOf(string file, EntryFields fields) => fields.Method switch
    {
        "sqlite" => CaptureMethod.Sqlite,
        "raw" => CaptureMethod.Raw,
        "copy" => CaptureMethod.Copied,
        _ => throw new UnsupportedArchiveException(file, $"it holds '{fields.Path}' captured by '{fields.Method}'"),
    };
}

internal sealed record ManifestFields
{
    public int Format { get; init; }

    public string? Service { get; init; }

    public string? Nonce { get; init; }

    public RootFields? Root { get; init; }

    public List<EntryFields>? Entries { get; init; }

    /// <summary>After the entries: it is filled while they are written.</summary>
    public List<string>? Packs { get; init; }
}

internal sealed record RootFields(uint Mode, uint Uid, uint Gid);

internal sealed record EntryFields
{
    public string? Path { get; init; }

    public string? Kind { get; init; }

    public uint Mode { get; init; }

    public uint Uid { get; init; }

    public uint Gid { get; init; }

    public long Mtime { get; init; }

    public long? Size { get; init; }

    public string? Sha256 { get; init; }

    public string? Method { get; init; }

    public bool? Torn { get; init; }

    public string? Target { get; init; }

    public List<long[]>? Extents { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ManifestFields))]
internal sealed partial class ManifestJson : JsonSerializerContext;
