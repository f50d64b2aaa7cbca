using System.Globalization;
using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Node.Api;

namespace ClusterFs.Node.Page;

/// <summary>
/// What may be done from the status page, by who has the token: POST, with the token in a header and JSON in the body. No other site's page can make a
/// browser send either, and no cookie speaks for anybody.
/// </summary>
internal sealed class PageActions(NodeQueries queries, MoveQueries moves, PageToken token, TimeProvider time, ILogger<PageActions> logger) : IDisposable
{
    public const string Root = "/page/services";

    private const int MostAtOnce = 4;
    private const int MostBytes = 4096;

    private static readonly TimeSpan BodyPatience = TimeSpan.FromSeconds(5);

    /// <summary>Whoever tries tokens fills no log.</summary>
    private static readonly TimeSpan SaidAgainAfter = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _acting = new(MostAtOnce);
    private readonly WrongTokens _wrong = new(time);
    private readonly Lock _saying = new();
    private long? _said;

    public static void Map(WebApplication application)
    {
        foreach (var action in new[] { "move", "pause", "resume", "dump" })
        {
            application.MapPost(
                $"{Root}/{{service}}/{action}",
                (string service, HttpContext context, PageActions actions) => actions.DoAsync(action, service, context));
        }
    }

    public void Dispose() => _acting.Dispose();

    /// <summary>Before anything of a body is waited for.</summary>
    /// <returns>Why it is not let in; null when it is.</returns>
    public Problem? WhyNot(HttpRequest request)
    {
        return Judge(request) switch
        {
            Permission.Off => Problem.Of(StatusCodes.Status403Forbidden, "nobody may act from here", "this node's log says why; on the node, use clusterfs"),
            Permission.KeptOut => KeepOut(request.HttpContext),
            Permission.Denied => Problem.Of(StatusCodes.Status401Unauthorized, "that is not the token", "it is in the file that clusterfs.http.token-file of this node names"),
            _ when !request.HasJsonContentType() => Problem.Of(StatusCodes.Status415UnsupportedMediaType, "only JSON is understood", null),
            _ when request.ContentLength is not (>= 0 and <= MostBytes) =>
                Problem.Of(StatusCodes.Status413PayloadTooLarge, $"a request has at most {MostBytes} bytes, and says how many", null),
            _ => null,
        };
    }

    /// <summary>Whether who asks has the token. Who has another one is told nothing more than who has none.</summary>
    public bool IsGranted(HttpRequest request) => request.Headers.Authorization.Count > 0 && Judge(request) == Permission.Granted;

    private Permission Judge(HttpRequest request)
    {
        // Who gives none tries none.
        var from = request.HttpContext.Connection.RemoteIpAddress;
        var isTry = request.Headers.Authorization.Count > 0;
        if (isTry && _wrong.KeptOutFor(from) is not null)
        {
            Say($"{from}", "too many wrong tokens");
            return Permission.KeptOut;
        }

        var permission = token.Judge(request, out var why);
        if (isTry && permission == Permission.Denied)
        {
            _wrong.Note(from, request.Headers.Authorization.ToString());
        }

        if (isTry && permission != Permission.Granted)
        {
            Say($"{from}", why ?? "not with the token");
        }

        return permission;
    }

    private Problem KeepOut(HttpContext context)
    {
        var wait = Math.Ceiling((_wrong.KeptOutFor(context.Connection.RemoteIpAddress) ?? TimeSpan.Zero).TotalSeconds).ToString(CultureInfo.InvariantCulture);
        context.Response.Headers.RetryAfter = wait;
        return Problem.Of(
            StatusCodes.Status429TooManyRequests, $"{WrongTokens.MostTries} wrong tokens came from your address in a minute", $"try again in {wait} s; meanwhile not even the right one counts from there");
    }

    private void Say(string address, string why)
    {
        lock (_saying)
        {
            if (_said is { } before && time.GetElapsedTime(before) < SaidAgainAfter)
            {
                return;
            }

            _said = time.GetTimestamp();
        }

        logger.PageRefuses(address, why);
    }

    private async Task<IResult> DoAsync(string action, string service, HttpContext context)
    {
        // Also asked by the gate, before the body; here whatever the gate thinks.
        if (WhyNot(context.Request) is { } refused)
        {
            return Refuse(refused);
        }

        if (!await _acting.WaitAsync(TimeSpan.Zero, context.RequestAborted).ConfigureAwait(false))
        {
            return Refuse(Problem.Of(StatusCodes.Status503ServiceUnavailable, "others are acting at this moment", "try again"));
        }

        try
        {
            var (request, mistake) = await ReadAsync(context.Request, context.RequestAborted).ConfigureAwait(false);
            if (mistake is not null)
            {
                return Refuse(mistake);
            }

            logger.PageActs(action, service, request?.To ?? "", $"{context.Connection.RemoteIpAddress}");
            return action switch
            {
                "move" when string.IsNullOrEmpty(request?.To) => Refuse(Problem.Of(StatusCodes.Status400BadRequest, "the request names no node to move to", "name it in `to`")),
                "move" => Reply((await moves.MoveAsync(service, request!.To, context.RequestAborted).ConfigureAwait(false)).Problem),
                "dump" => Reply((await queries.DumpAsync(service, context.RequestAborted).ConfigureAwait(false)).Problem),
                _ => Reply((await queries.PauseAsync(service, pause: action == "pause").ConfigureAwait(false)).Problem),
            };
        }
        finally
        {
            _acting.Release();
        }
    }

    private static async Task<(MoveRequest?, Problem?)> ReadAsync(HttpRequest request, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(BodyPatience);
        try
        {
            return (await JsonSerializer.DeserializeAsync(request.Body, ApiJson.Default.MoveRequest, limit.Token).ConfigureAwait(false), null);
        }
        catch (JsonException)
        {
            return (null, Problem.Of(StatusCodes.Status400BadRequest, "the request cannot be understood", null));
        }
        catch (OperationCanceledException)
        {
            return (null, Problem.Of(StatusCodes.Status408RequestTimeout, "the request did not come to its end", null));
        }
    }

    private static IResult Reply(Problem? problem) => problem is null ? Results.NoContent() : Refuse(problem);

    private static IResult Refuse(Problem problem) => Results.Json(problem.Error, ApiJson.Default.ApiError, statusCode: problem.Status);
}
