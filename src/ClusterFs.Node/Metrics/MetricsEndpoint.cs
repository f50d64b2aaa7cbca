namespace ClusterFs.Node.Metrics;

/// <summary>
/// <c>/metrics</c>. Collected one after the other, and apart from being sent: whoever reads slowly holds up nobody's collection, and is cut off.
/// </summary>
internal sealed class MetricsEndpoint(SceneSource source) : IDisposable
{
    private const int MostAtOnce = 4;
    private const int Spare = 4096;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _serving = new(MostAtOnce);
    private readonly SemaphoreSlim _collecting = new(1);
    private int _length;

    public static void Map(WebApplication application) => application.MapMethods(
        "/metrics",
        [HttpMethods.Get, HttpMethods.Head],
        (HttpContext context) => context.RequestServices.GetRequiredService<MetricsEndpoint>().ServeAsync(context));

    public void Dispose()
    {
        _serving.Dispose();
        _collecting.Dispose();
    }

    private async Task ServeAsync(HttpContext context)
    {
        if (!await _serving.WaitAsync(TimeSpan.Zero, context.RequestAborted).ConfigureAwait(false))
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            await context.Response.WriteAsync("others are being served; ask again\n").ConfigureAwait(false);
            return;
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(Patience);
        try
        {
            using var body = await CollectAsync(context, limit.Token).ConfigureAwait(false);
            context.Response.ContentLength = body.Length;
            body.Position = 0;
            await body.CopyToAsync(context.Response.Body, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
        finally
        {
            _serving.Release();
        }
    }

    private async Task<MemoryStream> CollectAsync(HttpContext context, CancellationToken cancellation)
    {
        await _collecting.WaitAsync(cancellation).ConfigureAwait(false);
        var network = context.Response.Body;
        var body = new MemoryStream(_length);
        try
        {
            var scene = await source.LookAsync(cancellation).ConfigureAwait(false);
            context.Response.Body = body;
            await MetricsText.WriteAsync(scene, context).ConfigureAwait(false);

            // The next is about as long: it need not grow by copying.
            _length = (int)body.Length + Spare;
            return body;
        }
        catch
        {
            await body.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        finally
        {
            context.Response.Body = network;
            _collecting.Release();
        }
    }
}
