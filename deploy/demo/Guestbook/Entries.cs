using System.Text.Json.Serialization;

namespace ClusterFs.Demo.Guestbook;

internal sealed record NewEntry(string? Text);

/// <summary>Says that the entry is committed: it is on the disk when the client reads this.</summary>
internal sealed record EntryCreated(long Id);

internal sealed record Entry(long Id, string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NewEntry))]
[JsonSerializable(typeof(EntryCreated))]
[JsonSerializable(typeof(List<Entry>))]
[JsonSerializable(typeof(string))]
internal sealed partial class GuestbookJson : JsonSerializerContext;
