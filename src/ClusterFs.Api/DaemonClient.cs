using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace ClusterFs.Api;

/// <summary>Asks the daemon of this machine, on its Unix socket. May be used from several threads.</summary>
/// <exception cref="DaemonException">From every method: it was not done.</exception>
/// <exception cref="OperationCanceledException">From every method: its caller's token was cancelled.</exception>
public sealed class DaemonClient : IDisposable
{
    /// <summary>Of an answer that is about to come.</summary>
    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(5);

    private readonly string _socket;
    private readonly HttpClient _http;

    /// <param name="socket">The path of <c>node.socket</c>.</param>
    public DaemonClient(string socket)
    {
        _socket = socket;
        var handler = new SocketsHttpHandler { ConnectCallback = ConnectAsync, UseProxy = false };
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://clusterfs"), Timeout = Timeout.InfiniteTimeSpan };
    }

    public Task<StatusReport> GetStatusAsync(TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync(HttpMethod.Get, ApiRoutes.Status, null, ApiJson.Default.StatusReport, timeout, cancellation);

    public Task<HistoryReport> GetHistoryAsync(string service, TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync(HttpMethod.Get, ApiRoutes.For(ApiRoutes.History, service), null, ApiJson.Default.HistoryReport, timeout, cancellation);

    /// <summary>Why a service is where it is.</summary>
    public Task<ExplainReport> ExplainAsync(string service, string? node, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Get, ApiRoutes.WithQuery(ApiRoutes.For(ApiRoutes.Explain, service), ("node", node)), null, ApiJson.Default.ExplainReport, timeout, cancellation);

    /// <summary>What would happen if a node, or what all nodes share, were lost. Nothing is done.</summary>
    public Task<SimulateReport> SimulateAsync(string? kill, string? lose, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Get, ApiRoutes.WithQuery(ApiRoutes.Simulate, ("kill", kill), ("lose", lose)), null, ApiJson.Default.SimulateReport, timeout, cancellation);

    /// <summary>Has this node's daemon leave the cluster of daemons.</summary>
    public Task<MembershipReport> LeaveAsync(TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync(HttpMethod.Post, ApiRoutes.Leave, null, ApiJson.Default.MembershipReport, timeout, cancellation);

    /// <summary>Removes a node's daemon from the cluster of daemons.</summary>
    public Task<MembershipReport> DownAsync(string node, TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync(HttpMethod.Post, ApiRoutes.WithQuery(ApiRoutes.Down, ("node", node)), null, ApiJson.Default.MembershipReport, timeout, cancellation);

    /// <summary>Removes those that this node does not reach.</summary>
    public Task<MembershipReport> DownUnreachableAsync(TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync(HttpMethod.Post, ApiRoutes.DownUnreachable, null, ApiJson.Default.MembershipReport, timeout, cancellation);

    /// <summary>Where the ownership actors are.</summary>
    public Task<ShardingReport> GetShardsAsync(TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync(HttpMethod.Get, ApiRoutes.Shards, null, ApiJson.Default.ShardingReport, timeout, cancellation);

    /// <summary>The actors of this node's daemon.</summary>
    public Task<ActorsReport> GetActorsAsync(TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync(HttpMethod.Get, ApiRoutes.Actors, null, ApiJson.Default.ActorsReport, timeout, cancellation);

    /// <summary>What the daemon logs.</summary>
    /// <param name="level">What it is to log from now on; null to leave it.</param>
    public Task<LogLevelReport> LogLevelAsync(string? level, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        level is null ? HttpMethod.Get : HttpMethod.Post, ApiRoutes.WithQuery(ApiRoutes.LogLevel, ("level", level)), null,
        ApiJson.Default.LogLevelReport, timeout, cancellation);

    /// <summary>Moves a service and waits until it runs on its new node. A move that timed out here may still happen.</summary>
    public Task<MoveReport> MoveAsync(string service, string to, TimeSpan timeout, CancellationToken cancellation)
    {
        var body = JsonContent.Create(new MoveRequest(to), ApiJson.Default.MoveRequest);
        return AskAsync(HttpMethod.Post, ApiRoutes.For(ApiRoutes.Move, service), body, ApiJson.Default.MoveReport, timeout, cancellation);
    }

    /// <summary>Has nothing granted by itself any more, or has it granted again.</summary>
    public Task<PauseReport> PauseAsync(string service, bool pause, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Post,
        ApiRoutes.For(pause ? ApiRoutes.Pause : ApiRoutes.Resume, service),
        null,
        ApiJson.Default.PauseReport,
        timeout,
        cancellation);

    /// <summary>Runs a notification command for a test, after all that waits for its turn.</summary>
    /// <param name="service">Whose; null for that of all services.</param>
    public Task<NotifyReport> TestNotifyAsync(string? service, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Post, ApiRoutes.WithQuery(ApiRoutes.NotifyTest, ("service", service)), null, ApiJson.Default.NotifyReport, timeout, cancellation);

    /// <summary>Has a node give everything away and take nothing, or take again. Does not wait until it is empty.</summary>
    public Task<DrainReport> DrainAsync(string node, bool drain, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Post, ApiRoutes.WithQuery(drain ? ApiRoutes.Drain : ApiRoutes.Undrain, ("node", node)), null, ApiJson.Default.DrainReport, timeout, cancellation);

    /// <summary>How far a node is drained.</summary>
    public Task<DrainReport> LookAtDrainAsync(string node, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Get, ApiRoutes.WithQuery(ApiRoutes.Drain, ("node", node)), null, ApiJson.Default.DrainReport, timeout, cancellation);

    /// <summary>Takes a dump now and waits until it is committed.</summary>
    public Task<DumpReport> DumpAsync(string service, TimeSpan timeout, CancellationToken cancellation) =>
        AskAsync(HttpMethod.Post, ApiRoutes.For(ApiRoutes.Dump, service), null, ApiJson.Default.DumpReport, timeout, cancellation);

    /// <summary>What a rendering of seeded files would change.</summary>
    public Task<SeededReport> CompareSeededAsync(string? service, string? node, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Get, ApiRoutes.For(ApiRoutes.SeededDiff, service, node), null, ApiJson.Default.SeededReport, timeout, cancellation);

    /// <summary>Renders the seeded files that differ, one node after the other, and waits for it.</summary>
    public Task<SeededReport> RenderSeededAsync(string? service, string? node, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Post, ApiRoutes.For(ApiRoutes.SeededRender, service, node), null, ApiJson.Default.SeededReport, timeout, cancellation);

    /// <summary>How config files are, on every node.</summary>
    public Task<ConfigReport> GetConfigAsync(string? service, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Get, ApiRoutes.For(ApiRoutes.Config, service, null), null, ApiJson.Default.ConfigReport, timeout, cancellation);

    /// <summary>What a roll-out of config files would change, on every node.</summary>
    public Task<ConfigReport> CompareConfigAsync(string? service, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Get, ApiRoutes.For(ApiRoutes.ConfigDiff, service, null), null, ApiJson.Default.ConfigReport, timeout, cancellation);

    /// <summary>Begins roll-outs of config files; does not wait for their end.</summary>
    public Task<ConfigApplyReport> ApplyConfigAsync(string? service, TimeSpan timeout, CancellationToken cancellation) => AskAsync(
        HttpMethod.Post, ApiRoutes.For(ApiRoutes.ConfigApply, service, null), null, ApiJson.Default.ConfigApplyReport, timeout, cancellation);

    /// <summary>Tells all nodes of a generation that was published, and waits until those that can be reached serve it, or cannot.</summary>
    /// <param name="line">The log that its number is of.</param>
    /// <param name="patience">Then it is answered with how far they are.</param>
    public Task<StaticReport> SwitchStaticAsync(string service, string name, long generation, string line, TimeSpan patience, CancellationToken cancellation) => AskAsync(
        HttpMethod.Post,
        ApiRoutes.For(ApiRoutes.StaticSwitch, service, name, generation, line, patience),
        null,
        ApiJson.Default.StaticReport,
        patience + AnswerPatience,
        cancellation);

    public void Dispose() => _http.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socket), cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<T> AskAsync<T>(
        HttpMethod method, string path, HttpContent? body, JsonTypeInfo<T> type, TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        try
        {
            using var request = new HttpRequestMessage(method, path) { Content = body };
            using var answer = await _http.SendAsync(request, limit.Token).ConfigureAwait(false);
            if (!answer.IsSuccessStatusCode)
            {
                throw await ExplainAsync(answer, limit.Token).ConfigureAwait(false);
            }

            return await answer.Content.ReadFromJsonAsync(type, limit.Token).ConfigureAwait(false)
                ?? throw Unintelligible(path, null);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new DaemonException(
                DaemonException.TimedOut,
                $"the daemon did not answer {method} {path} on {_socket} within {timeout.TotalSeconds:0.###} s",
                "it may still be at work: see 'clusterfs status', or the daemon's log");
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e);
        }
        catch (JsonException e)
        {
            throw Unintelligible(path, e);
        }
    }

    private DaemonException Unreachable(HttpRequestException e)
    {
        var reason = (e.InnerException as SocketException)?.SocketErrorCode switch
        {
            SocketError.AccessDenied => "permission denied; only its user and group may ask it: try as root",
            SocketError.AddressNotAvailable or SocketError.HostNotFound => "there is no such socket; is the daemon running?",
            SocketError.ConnectionRefused => "nobody listens there; is the daemon running?",
            _ when !File.Exists(_socket) => "there is no such socket; is the daemon running?",
            _ => $"{e.InnerException?.Message ?? e.Message}; is the daemon running?",
        };
        return new DaemonException(DaemonException.Unreachable, $"the daemon cannot be reached on {_socket}: {reason}", "", e);
    }

    private static DaemonException Unintelligible(string path, Exception? cause) => new(
        DaemonException.Failed,
        $"the daemon's answer to {path} cannot be understood",
        "are this command and the daemon of the same version?",
        cause);

    private static async Task<DaemonException> ExplainAsync(HttpResponseMessage answer, CancellationToken cancellation)
    {
        var exitCode = answer.StatusCode switch
        {
            HttpStatusCode.BadRequest or HttpStatusCode.NotFound => DaemonException.BadRequest,
            HttpStatusCode.Conflict or HttpStatusCode.Forbidden => DaemonException.Refused,
            HttpStatusCode.GatewayTimeout or HttpStatusCode.RequestTimeout => DaemonException.TimedOut,
            _ => DaemonException.Failed,
        };
        try
        {
            var error = await answer.Content.ReadFromJsonAsync(ApiJson.Default.ApiError, cancellation).ConfigureAwait(false);
            if (error is { Error: { } problem })
            {
                return new DaemonException(exitCode, problem, error.Hint ?? "");
            }
        }
        catch (JsonException)
        {
            // What answered is not the daemon's own code; its status still says something.
        }

        return new DaemonException(exitCode, $"the daemon answered {(int)answer.StatusCode} {answer.ReasonPhrase}", "see the daemon's log");
    }
}
