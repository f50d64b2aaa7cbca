using ClusterFs.Configuration;
using ClusterFs.Node.Page;
using Microsoft.AspNetCore.Http.Features;

namespace ClusterFs.Node.Hosting;

/// <summary>What may not come in, whatever route it asks for.</summary>
internal static class RequestGate
{
    public static Task Pass(HttpContext context, RequestDelegate next)
    {
        if (context.Connection.LocalIpAddress is null)
        {
            return next(context);
        }

        // The API can move services: it is for the socket, which has an owner and a group, and never for the network.
        if (context.Request.Path.StartsWithSegments("/v1"))
        {
            return RefuseAsync(context, StatusCodes.Status404NotFound, "the API is on the daemon's socket only");
        }

        if (PageHost.IsPage(context.Request.Path) && !PageHost.IsOurs(context.Request.Host.Host, context.RequestServices.GetRequiredService<Settings>().Cluster))
        {
            context.Response.Headers.Connection = "close";
            return RefuseAsync(context, StatusCodes.Status421MisdirectedRequest, "the page answers to an address, to localhost, and to a node's name");
        }

        // Nothing there takes one but what may act, so nobody else's is waited for.
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true)
        {
            if (!HttpMethods.IsPost(context.Request.Method) || !context.Request.Path.StartsWithSegments(PageActions.Root))
            {
                context.Response.Headers.Connection = "close";
                return RefuseAsync(context, StatusCodes.Status413PayloadTooLarge, "no request here has a body");
            }

            if (context.RequestServices.GetRequiredService<PageActions>().WhyNot(context.Request) is { } problem)
            {
                context.Response.Headers.Connection = "close";
                if (problem.Status == StatusCodes.Status401Unauthorized)
                {
                    context.Response.Headers.WWWAuthenticate = "Bearer";
                }

                return RefuseAsync(context, problem.Status, problem.Error.Error);
            }
        }

        return next(context);
    }

    private static Task RefuseAsync(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(why + "\n");
    }
}
