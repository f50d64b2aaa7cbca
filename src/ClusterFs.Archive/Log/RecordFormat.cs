using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClusterFs.Archive.Log;

/// <summary>
/// The bytes of a record: a line of JSON, and a line with the SHA-256 of the first. Kinds are open: a reader that meets one it does not know
/// says so and stops.
/// </summary>
internal static class RecordFormat
{
    public const int Version = 1;
    public const string ClaimKind = "claim";
    public const string DumpKind = "dump";
    public const string AdoptKind = "adopt";
    public const string PruneKind = "prune";
    public const string DivergentKind = "divergent";

    /// <summary>No record comes near it; a damaged or foreign file may.</summary>
    public const int MaxLength = 1 << 20;

    private const byte LineEnd = (byte)'\n';
    private const int HashLength = 64;

    public static byte[] Write(LogRecord record) => Seal(new RecordFields
    {
        Format = Version,
        Kind = record switch
        {
            DumpRecord { Adopts: not null } => AdoptKind,
            DumpRecord => DumpKind,
            PruneRecord => PruneKind,
            _ => ClaimKind,
        },
        Service = record.Service,
        Slot = record.Slot,
        Id = (record as DumpRecord)?.Adopts,
        Nonce = record.Nonce,
        Epoch = record.Epoch,
        Node = record.Node,
        At = record.At,
        Content = (record as DumpRecord)?.Content,
        Pruned = (record as PruneRecord)?.Pruned.Select(range => (long[])[range.First, range.Last]).ToArray(),
    });

    public static byte[] Write(DivergentRecord record) => Seal(new RecordFields
    {
        Format = Version,
        Kind = DivergentKind,
        Service = record.Service,
        Id = record.Id,
        Epoch = record.Epoch,
        Node = record.Node,
        At = record.At,
        BaseSlot = record.BaseSlot,
        Reason = record.Reason,
        Content = record.Content,
    });

    public static LogRecord ReadSlot(string file, ReadOnlySpan<byte> bytes, string service, long slot)
    {
        var fields = Open(file, bytes, service);
        LogRecord record = fields.Kind switch
        {
            ClaimKind => new ClaimRecord(fields.Service!, fields.Slot, Need(file, fields.Nonce, "nonce"), fields.Epoch, fields.Node!, fields.At),
            DumpKind => new DumpRecord(
                fields.Service!, fields.Slot, Need(file, fields.Nonce, "nonce"), fields.Epoch, fields.Node!, fields.At, NeedContent(file, fields)),
            AdoptKind => new DumpRecord(
                fields.Service!, fields.Slot, Need(file, fields.Nonce, "nonce"), fields.Epoch, fields.Node!, fields.At, NeedContent(file, fields))
            {
                Adopts = Need(file, fields.Id, "id"),
            },
            PruneKind => new PruneRecord(
                fields.Service!, fields.Slot, Need(file, fields.Nonce, "nonce"), fields.Epoch, fields.Node!, fields.At, NeedRanges(file, fields)),
            _ => throw new UnsupportedArchiveException(file, $"it holds a record of kind '{fields.Kind}'"),
        };
        return record.Slot == slot
            ? record
            : throw new DamagedArchiveException(file, $"it holds the record of slot {record.Slot} instead of slot {slot}");
    }

    public static DivergentRecord ReadDivergent(string file, ReadOnlySpan<byte> bytes, string service)
    {
        var fields = Open(file, bytes, service);
        return fields.Kind == DivergentKind
            ? new DivergentRecord(
                fields.Service!,
                Need(file, fields.Id, "id"),
                fields.Epoch,
                fields.Node!,
                fields.At,
                fields.BaseSlot,
                fields.Reason ?? string.Empty,
                NeedContent(file, fields))
            : throw new UnsupportedArchiveException(file, $"it holds a record of kind '{fields.Kind}'");
    }

    private static byte[] Seal(RecordFields fields)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(fields, RecordJson.Default.RecordFields);
        var hash = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(json)));
        return [.. json, LineEnd, .. hash, LineEnd];
    }

    private static RecordFields Open(string file, ReadOnlySpan<byte> bytes, string service)
    {
        var end = bytes.IndexOf(LineEnd);
        if (end < 0 || bytes.Length != end + 1 + HashLength + 1 || bytes[^1] != LineEnd)
        {
            throw new DamagedArchiveException(file, "it is not a line of JSON and a line of checksum");
        }

        var expected = Encoding.ASCII.GetString(bytes.Slice(end + 1, HashLength));
        if (expected != Convert.ToHexStringLower(SHA256.HashData(bytes[..end])))
        {
            throw new DamagedArchiveException(file, "its checksum does not match");
        }

        RecordFields? fields;
        try
        {
            fields = JsonSerializer.Deserialize(bytes[..end], RecordJson.Default.RecordFields);
        }
        catch (JsonException error)
        {
            throw new DamagedArchiveException(file, $"its JSON cannot be read: {error.Message}", error);
        }

        if (fields is null || fields.Format != Version)
        {
            throw new UnsupportedArchiveException(file, $"its format is {fields?.Format}, known is {Version}");
        }

        return fields.Service == service && fields.Node is not null
            ? fields
            : throw new DamagedArchiveException(file, $"it belongs to service '{fields.Service}' instead of '{service}'");
    }

    private static string Need(string file, string? value, string name) =>
        value ?? throw new DamagedArchiveException(file, $"it has no {name}");

    private static SlotRange[] NeedRanges(string file, RecordFields fields) =>
        fields.Pruned is { } ranges && ranges.All(range => range is [>= 1, _] && range[0] <= range[1])
            ? [.. ranges.Select(range => new SlotRange(range[0], range[1]))]
            : throw new DamagedArchiveException(file, "it does not say which slots it prunes");

    private static StoredContent NeedContent(string file, RecordFields fields)
    {
        var manifest = fields.Content?.Manifest ?? throw new DamagedArchiveException(file, "it refers to no manifest");
        return manifest.Pack is { Length: 32 } && manifest.Pack.All(char.IsAsciiHexDigitLower)
            ? fields.Content
            : throw new DamagedArchiveException(file, $"it refers to a pack named '{manifest.Pack}'");
    }
}

internal sealed record RecordFields
{
    public int Format { get; init; }

    public string? Kind { get; init; }

    public string? Service { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Slot { get; init; }

    public string? Id { get; init; }

    public string? Nonce { get; init; }

    public long Epoch { get; init; }

    public string? Node { get; init; }

    public DateTimeOffset At { get; init; }

    public long? BaseSlot { get; init; }

    public string? Reason { get; init; }

    public StoredContent? Content { get; init; }

    public long[][]? Pruned { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RecordFields))]
internal sealed partial class RecordJson : JsonSerializerContext;
