using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ClusterFs.Api;
using ClusterFs.Node.Draining;
using ClusterFs.Node.Foresight;
using ClusterFs.Node.Inspection;
using ClusterFs.Node.Notifications;
using ClusterFs.Node.Rollouts;
using ClusterFs.Node.Seeded;
using ClusterFs.Node.Static;

namespace ClusterFs.Node.Api;

/// <summary>The routes of the API, on the Unix socket.</summary>
internal static class ApiEndpoints
{
    public static void Map(WebApplication application)
    {
        application.MapGet(ApiRoutes.Status, async (NodeQueries queries) =>
            Results.Json(await queries.StatusAsync().ConfigureAwait(false), ApiJson.Default.StatusReport));
        application.MapGet(ApiRoutes.History, async (string service, NodeQueries queries) =>
            Reply(await queries.HistoryAsync(service).ConfigureAwait(false), ApiJson.Default.HistoryReport));
        application.MapGet(ApiRoutes.Explain, async (string service, string? node, SimulateQueries queries) =>
            Reply(await queries.ExplainAsync(service, node).ConfigureAwait(false), ApiJson.Default.ExplainReport));
        application.MapGet(ApiRoutes.Simulate, async (string? kill, string? lose, SimulateQueries queries) =>
            Reply(await queries.SimulateAsync(kill, lose).ConfigureAwait(false), ApiJson.Default.SimulateReport));
        application.MapPost(ApiRoutes.Move, MoveAsync);
        application.MapPost(ApiRoutes.Pause, async (string service, NodeQueries queries) =>
            Reply(await queries.PauseAsync(service, pause: true).ConfigureAwait(false), ApiJson.Default.PauseReport));
        application.MapPost(ApiRoutes.Resume, async (string service, NodeQueries queries) =>
            Reply(await queries.PauseAsync(service, pause: false).ConfigureAwait(false), ApiJson.Default.PauseReport));
        application.MapPost(ApiRoutes.Dump, async (string service, NodeQueries queries, CancellationToken cancellation) =>
            Reply(await queries.DumpAsync(service, cancellation).ConfigureAwait(false), ApiJson.Default.DumpReport));
        application.MapPost(ApiRoutes.NotifyTest, async (string? service, NotifyQueries queries, CancellationToken cancellation) =>
            Reply(await queries.TestAsync(service, cancellation).ConfigureAwait(false), ApiJson.Default.NotifyReport));
        MapInspection(application);
        MapDraining(application);
        application.MapGet(ApiRoutes.SeededDiff, async (string? service, string? node, SeededQueries queries) =>
            Reply(await queries.CompareAsync(service, node).ConfigureAwait(false), ApiJson.Default.SeededReport));
        application.MapPost(ApiRoutes.SeededRender, async (string? service, string? node, SeededQueries queries, CancellationToken cancellation) =>
            Reply(await queries.RenderAsync(service, node, cancellation).ConfigureAwait(false), ApiJson.Default.SeededReport));
        application.MapGet(ApiRoutes.Config, async (string? service, ConfigQueries queries) =>
            Reply(await queries.ReportAsync(service).ConfigureAwait(false), ApiJson.Default.ConfigReport));
        application.MapGet(ApiRoutes.ConfigDiff, async (string? service, ConfigQueries queries) =>
            Reply(await queries.CompareAsync(service).ConfigureAwait(false), ApiJson.Default.ConfigReport));
        application.MapPost(ApiRoutes.ConfigApply, async (string? service, ConfigQueries queries) =>
            Reply(await queries.ApplyAsync(service).ConfigureAwait(false), ApiJson.Default.ConfigApplyReport));
        application.MapPost(
            ApiRoutes.StaticSwitch,
            async (string service, string name, long generation, string? line, double? seconds, StaticQueries queries, CancellationToken cancellation) =>
                Reply(await queries.SwitchAsync(service, name, generation, line, seconds, cancellation).ConfigureAwait(false), ApiJson.Default.StaticReport));
    }

    private static void MapDraining(WebApplication application)
    {
        application.MapGet(ApiRoutes.Drain, async (string? node, DrainQueries queries) => Reply(await queries.LookAsync(node).ConfigureAwait(false), ApiJson.Default.DrainReport));
        application.MapPost(ApiRoutes.Drain, async (string? node, DrainQueries queries) =>
            Reply(await queries.DrainAsync(node, drain: true).ConfigureAwait(false), ApiJson.Default.DrainReport));
        application.MapPost(ApiRoutes.Undrain, async (string? node, DrainQueries queries) =>
            Reply(await queries.DrainAsync(node, drain: false).ConfigureAwait(false), ApiJson.Default.DrainReport));
    }

    private static void MapInspection(WebApplication application)
    {
        application.MapPost(ApiRoutes.Leave, (InspectionQueries queries) => Results.Json(queries.Leave(), ApiJson.Default.MembershipReport));
        application.MapPost(ApiRoutes.Down, (string? node, InspectionQueries queries) => Reply(queries.Down(node), ApiJson.Default.MembershipReport));
        application.MapPost(ApiRoutes.DownUnreachable, (InspectionQueries queries) => Results.Json(queries.DownUnreachable(), ApiJson.Default.MembershipReport));
        application.MapGet(ApiRoutes.Shards, async (InspectionQueries queries) =>
            Reply(await queries.ShardsAsync().ConfigureAwait(false), ApiJson.Default.ShardingReport));
        application.MapGet(ApiRoutes.Actors, (InspectionQueries queries) => Results.Json(queries.Actors(), ApiJson.Default.ActorsReport));
        application.MapGet(ApiRoutes.LogLevel, (InspectionQueries queries) => Results.Json(queries.LogLevel(), ApiJson.Default.LogLevelReport));
        application.MapPost(ApiRoutes.LogLevel, (string? level, InspectionQueries queries) => Reply(queries.SetLogLevel(level), ApiJson.Default.LogLevelReport));
    }

    private static async Task<IResult> MoveAsync(string service, HttpRequest request, MoveQueries queries, CancellationToken cancellation)
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
