using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ClusterFs.Api;
using ClusterFs.Node.Seeded;
using ClusterFs.Node.Static;

namespace ClusterFs.Node.Api;

/// <summary>The routes of the daemon: the API on the Unix socket, health on the TCP port.</summary>
internal static class ApiEndpoints
{
    public static void Map(WebApplication application)
    {
        application.Use(OnlyWhereItBelongs);
        application.MapGet(ApiRoutes.Status, async (NodeQueries queries) =>
            Results.Json(await queries.StatusAsync().ConfigureAwait(false), ApiJson.Default.StatusReport));
        application.MapGet(ApiRoutes.History, async (string service, NodeQueries queries) =>
            Reply(await queries.HistoryAsync(service).ConfigureAwait(false), ApiJson.Default.HistoryReport));
        application.MapPost(ApiRoutes.Move, MoveAsync);
        application.MapPost(ApiRoutes.Pause, async (string service, NodeQueries queries) =>
            Reply(await queries.PauseAsync(service, pause: true).ConfigureAwait(false), ApiJson.Default.PauseReport));
        application.MapPost(ApiRoutes.Resume, async (string service, NodeQueries queries) =>
            Reply(await queries.PauseAsync(service, pause: false).ConfigureAwait(false), ApiJson.Default.PauseReport));
        application.MapPost(ApiRoutes.Dump, async (string service, NodeQueries queries, CancellationToken cancellation) =>
            Reply(await queries.DumpAsync(service, cancellation).ConfigureAwait(false), ApiJson.Default.DumpReport));
        application.MapGet(ApiRoutes.SeededDiff, async (string? service, string? node, SeededQueries queries) =>
            Reply(await queries.CompareAsync(service, node).ConfigureAwait(false), ApiJson.Default.SeededReport));
        application.MapPost(ApiRoutes.SeededRender, async (string? service, string? node, SeededQueries queries, CancellationToken cancellation) =>
            Reply(await queries.RenderAsync(service, node, cancellation).ConfigureAwait(false), ApiJson.Default.SeededReport));
        application.MapPost(
            ApiRoutes.StaticSwitch,
            async (string service, string name, long generation, string? line, double? seconds, StaticQueries queries, CancellationToken cancellation) =>
                Reply(await queries.SwitchAsync(service, name, generation, line, seconds, cancellation).ConfigureAwait(false), ApiJson.Default.StaticReport));

        application.MapGet("/live", () => Results.Text("live\n"));
        application.MapGet("/ready", (NodeQueries queries) => queries.IsReady
            ? Results.Text("ready\n")
            : Results.Text("not ready\n", statusCode: StatusCodes.Status503ServiceUnavailable));
        application.MapGet("/owner/{service}", (string service, NodeQueries queries) =>
            !queries.IsConfigured(service) ? Results.Text("no such service\n", statusCode: StatusCodes.Status404NotFound)
            : queries.Runs(service) ? Results.Text("owner\n")
            : Results.Text("not the owner\n", statusCode: StatusCodes.Status503ServiceUnavailable));
    }

    /// <summary>The API can move services: it is for the socket, which has an owner and a group, and never for the network.</summary>
    private static Task OnlyWhereItBelongs(HttpContext context, RequestDelegate next)
    {
        var overSocket = context.Connection.LocalIpAddress is null;
        if (overSocket || !context.Request.Path.StartsWithSegments("/v1"))
        {
            return next(context);
        }

        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static async Task<IResult> MoveAsync(string service, HttpRequest request, NodeQueries queries, CancellationToken cancellation)
    {
        MoveRequest? move;
        try
        {
            move = await JsonSerializer.DeserializeAsync(request.Body, ApiJson.Default.MoveRequest, cancellation).ConfigureAwait(false);
        }
        catch (JsonException problem)
        {
            return Refuse(Problem.Of(StatusCodes.Status400BadRequest, $"the request cannot be understood: {problem.Message}", null));
        }

        return string.IsNullOrEmpty(move?.To)
            ? Refuse(Problem.Of(StatusCodes.Status400BadRequest, "the request names no node to move to", "name it in `to`"))
            : Reply(await queries.MoveAsync(service, move.To, cancellation).ConfigureAwait(false), ApiJson.Default.MoveReport);
    }

    private static IResult Reply<T>(Answer<T> answer, JsonTypeInfo<T> type)
        where T : class => answer.Problem is { } problem ? Refuse(problem) : Results.Json(answer.Value, type);

    private static IResult Refuse(Problem problem) => Results.Json(problem.Error, ApiJson.Default.ApiError, statusCode: problem.Status);
}
