using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;

namespace ClusterFs.Node.Page;

/// <summary>The status page and what it is made of. It brings all it needs, asks nobody else, and may be framed by nobody.</summary>
internal sealed class PageEndpoints(PageSource source, PageActions actions)
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(WebApplication application)
    {
        Map(application, "/", "page.html", "text/html; charset=utf-8");
        Map(application, "/page/page.css", "page.css", "text/css; charset=utf-8");
        Map(application, "/page/page.js", "page.js", "text/javascript; charset=utf-8");
        Map(application, "/page/icon.svg", "icon.svg", "image/svg+xml");
        application.MapMethods(
            "/page/state", Methods, (HttpContext context) => context.RequestServices.GetRequiredService<PageEndpoints>().SendStateAsync(context));
        PageActions.Map(application);
    }

    private static void Map(WebApplication application, string route, string name, string type)
    {
        var asset = new Lazy<(byte[] Body, string Tag)>(() => Read(name));
        application.MapMethods(route, Methods, async (HttpContext context) =>
        {
            Secure(context.Response);

            // Kept, but asked for each time: after an upgrade nobody has half of the old page.
            context.Response.Headers.CacheControl = "no-cache";
            context.Response.Headers.ETag = asset.Value.Tag;
            if (context.Request.Headers.IfNoneMatch.Contains(asset.Value.Tag))
            {
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }

            await SendAsync(context, asset.Value.Body, type).ConfigureAwait(false);
        });
    }

    private async Task SendStateAsync(HttpContext context)
    {
        Secure(context.Response);
        context.Response.Headers.CacheControl = "no-store";

        // However many ask, they wait for one drawing; how many may ask is what connections are limited to.
        var body = await source.GetAsync(actions.IsGranted(context.Request), context.RequestAborted).ConfigureAwait(false);
        await SendAsync(context, body, "application/json").ConfigureAwait(false);
    }

    /// <summary>Who reads slowly is cut off.</summary>
    private static async Task SendAsync(HttpContext context, ReadOnlyMemory<byte> body, string type)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        limit.CancelAfter(Patience);
        context.Response.Headers[HeaderNames.ContentType] = type;
        context.Response.ContentLength = body.Length;
        if (HttpMethods.IsHead(context.Request.Method))
        {
            return;
        }

        try
        {
            await context.Response.Body.WriteAsync(body, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
    }

    private static void Secure(HttpResponse response)
    {
        response.Headers.ContentSecurityPolicy = Policy;
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers[HeaderNames.XFrameOptions] = "DENY";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    private static (byte[] Body, string Tag) Read(string name)
    {
        using var resource = typeof(PageEndpoints).Assembly.GetManifestResourceStream($"page/{name}")
            ?? throw new InvalidOperationException($"the program lacks {name}");
        var body = new byte[resource.Length];
        resource.ReadExactly(body);
        return (body, $"\"{Convert.ToHexString(SHA256.HashData(body))[..16]}\"");
    }
}
