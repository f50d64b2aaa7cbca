using System.Collections.Immutable;
using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Node.Api;

namespace ClusterFs.Node.Page;

/// <summary>
/// The page's picture: put together when somebody looks, at most once a second however many look, and then the same bytes for all. Thread-safe.
/// </summary>
internal sealed class PageSource : IDisposable
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private readonly Settings _settings;
    private readonly NodeQueries _queries;
    private readonly TimeProvider _time;
    private readonly Timeline _timeline;
    private readonly SemaphoreSlim _drawing = new(1);
    private volatile Drawn? _drawn;

    public PageSource(Settings settings, NodeQueries queries, TimeProvider time)
    {
        _settings = settings;
        _queries = queries;
        _time = time;
        _timeline = new Timeline(async service => (await queries.HistoryAsync(service).ConfigureAwait(false)).Value);
    }

    /// <returns>JSON, for all who ask.</returns>
    public async Task<ReadOnlyMemory<byte>> GetAsync(CancellationToken cancellation)
    {
        if (Newest() is { } before)
        {
            return before;
        }

        await _drawing.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            if (Newest() is { } meanwhile)
            {
                return meanwhile;
            }

            var body = await DrawAsync().ConfigureAwait(false);
            _drawn = new Drawn(_time.GetTimestamp(), body);
            return body;
        }
        finally
        {
            _drawing.Release();
        }
    }

    public void Dispose() => _drawing.Dispose();

    private byte[]? Newest() => _drawn is { } drawn && _time.GetElapsedTime(drawn.At) < Fresh ? drawn.Body : null;

    private async Task<byte[]> DrawAsync()
    {
        var status = await _queries.StatusAsync().ConfigureAwait(false);
        var nodes = _settings.Cluster.Nodes.ToImmutableSortedDictionary(
            node => node.Key, node => new UriBuilder("http", node.Value, _settings.Cluster.HttpPort).Uri.ToString(), StringComparer.Ordinal);
        var places = _settings.Services.ToImmutableSortedDictionary(service => service.Key, service => service.Value.Nodes, StringComparer.Ordinal);
        var report = new PageReport(
            _time.GetUtcNow(), _settings.Cluster.Name, _settings.Http.TokenFile is not null, nodes, places, status, _timeline.Follow(status.Services));
        return JsonSerializer.SerializeToUtf8Bytes(report, PageJson.Default.PageReport);
    }

    private sealed record Drawn(long At, byte[] Body);
}
