using System.Collections.Immutable;
using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Node.Agents;
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

    public PageSource(Settings settings, NodeQueries queries, NodeBoard board, TimeProvider time)
    {
        _settings = settings;
        _queries = queries;
        _time = time;
        _timeline = new Timeline(async service => (await queries.HistoryAsync(service).ConfigureAwait(false)).Value, board.Dumps);
    }

    /// <param name="told">Whether who asks has the token: see <see cref="PageStatus.Of"/>.</param>
    /// <param name="cancellation">Ends the waiting.</param>
    /// <returns>JSON, for all who ask.</returns>
    public async Task<ReadOnlyMemory<byte>> GetAsync(bool told, CancellationToken cancellation)
    {
        var drawn = await NewestAsync(cancellation).ConfigureAwait(false);
        return (told ? drawn.Told : drawn.Untold).Value;
    }

    public void Dispose() => _drawing.Dispose();

    private async Task<Drawn> NewestAsync(CancellationToken cancellation)
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

            return _drawn = await DrawAsync().ConfigureAwait(false);
        }
        finally
        {
            _drawing.Release();
        }
    }

    private Drawn? Newest() => _drawn is { } drawn && _time.GetElapsedTime(drawn.At) < Fresh ? drawn : null;

    private async Task<Drawn> DrawAsync()
    {
        var status = await _queries.StatusAsync().ConfigureAwait(false);
        var nodes = _settings.Cluster.Nodes.ToImmutableSortedDictionary(
            node => node.Key, node => new UriBuilder("http", node.Value, _settings.Cluster.HttpPort).Uri.ToString(), StringComparer.Ordinal);
        var places = _settings.Services.ToImmutableSortedDictionary(service => service.Key, service => service.Value.Nodes, StringComparer.Ordinal);
        var (now, happened) = (_time.GetUtcNow(), _timeline.Follow(status.Services));
        Lazy<byte[]> Of(bool told) => new(() => JsonSerializer.SerializeToUtf8Bytes(
            new PageReport(
                now, _settings.Cluster.Name, _settings.Http.TokenFile is not null, nodes, places, PageStatus.Of(status, told),
                told ? happened : [.. happened.Select(one => one.WithoutWords())]), PageJson.Default.PageReport));
        return new Drawn(_time.GetTimestamp(), Of(told: false), Of(told: true));
    }

    private sealed record Drawn(long At, Lazy<byte[]> Untold, Lazy<byte[]> Told);
}
