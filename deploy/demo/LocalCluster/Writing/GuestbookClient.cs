using System.Net.Http.Json;
using System.Text.Json.Serialization;

namespace ClusterFs.Demo.Writing;

/// <summary>Speaks to the demo's service. Safe for concurrent callers.</summary>
public sealed class GuestbookClient : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromMilliseconds(300) })
    {
        Timeout = TimeSpan.FromSeconds(2),
    };

    /// <returns>The id; null when the row was not acknowledged: it may be there or not.</returns>
    public async Task<long?> TryAdd(Uri service, string text)
    {
        try
        {
            using var response = await _http.PostAsJsonAsync(
                new Uri(service, "entries"), new NewEntry(text), GuestbookJson.Default.NewEntry);
            response.EnsureSuccessStatusCode();
            return (await response.Content.ReadFromJsonAsync(GuestbookJson.Default.EntryCreated))?.Id;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return null;
        }
    }

    public async Task<bool> IsHealthy(Uri service)
    {
        try
        {
            using var response = await _http.GetAsync(new Uri(service, "health"));
            return response.IsSuccessStatusCode;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>The texts of all rows that the service has.</summary>
    public async Task<IReadOnlySet<string>> ReadAll(Uri service)
    {
        var texts = new HashSet<string>();
        for (var last = 0L; ;)
        {
            var page = await _http.GetFromJsonAsync(new Uri(service, $"entries?after={last}"), GuestbookJson.Default.ListEntry);
            if (page is not { Count: > 0 })
            {
                return texts;
            }

            texts.UnionWith(page.Select(entry => entry.Text));
            last = page[^1].Id;
        }
    }

    public void Dispose() => _http.Dispose();
}

internal sealed record NewEntry(string Text);

internal sealed record EntryCreated(long Id);

internal sealed record Entry(long Id, string Text);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(NewEntry))]
[JsonSerializable(typeof(EntryCreated))]
[JsonSerializable(typeof(List<Entry>))]
internal sealed partial class GuestbookJson : JsonSerializerContext;
