using System.Text.Json;
using Microsoft.Net.Http.Headers;

namespace ClusterFs.Node.Health;

/// <summary>
/// The routes that load balancers and supervisors ask. HEAD and OPTIONS are answered with the same status as GET, since HAProxy asks with either
/// unless told otherwise; any other method is 405. Text, a line for each reason; JSON for who accepts nothing else.
/// </summary>
internal static class HealthEndpoints
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head, HttpMethods.Options];

    public static void Map(WebApplication application)
    {
        Map(application, "/live", (_, health) => health.LiveAsync());
        Map(application, "/ready", (_, health) => Task.FromResult(health.Ready()));
        Map(application, "/owner/{service}", (context, health) => Task.FromResult(health.Owner(ServiceIn(context))));
        Map(application, "/standby/{service}", (context, health) => Task.FromResult(health.Standby(ServiceIn(context), context.Request.Query)));
    }

    private static void Map(WebApplication application, string route, Func<HttpContext, HealthQueries, Task<Verdict>> judge) =>
        application.MapMethods(route, Methods, async (HttpContext context) =>
        {
            var verdict = await judge(context, context.RequestServices.GetRequiredService<HealthQueries>()).ConfigureAwait(false);
            await WriteAsync(context, verdict).ConfigureAwait(false);
        });

    private static string ServiceIn(HttpContext context) => context.Request.RouteValues["service"] as string ?? "";

    private static async Task WriteAsync(HttpContext context, Verdict verdict)
    {
        var response = context.Response;
        response.StatusCode = verdict.Status;
        response.Headers.CacheControl = "no-store";
        if (HttpMethods.IsOptions(context.Request.Method))
        {
            response.Headers.Allow = string.Join(", ", Methods);
        }

        var isJson = context.Request.Headers.Accept is [{ } accept] && accept.StartsWith("application/json", StringComparison.OrdinalIgnoreCase);
        response.Headers[HeaderNames.ContentType] = isJson ? "application/json" : "text/plain; charset=utf-8";
        var body = isJson
            ? JsonSerializer.Serialize(new HealthAnswer(verdict.Word, verdict.Reasons), HealthJson.Default.HealthAnswer)
            : string.Join('\n', verdict.Reasons.Prepend(verdict.Word));
        await response.WriteAsync(body + "\n").ConfigureAwait(false);
    }
}
