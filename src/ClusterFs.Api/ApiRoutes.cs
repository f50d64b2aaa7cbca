using System.Globalization;

namespace ClusterFs.Api;

/// <summary>
/// The daemon's HTTP API on the node's socket. What is not a success carries an <see cref="ApiError"/>: 400 or 404 for a request that
/// names something wrong or unknown, 409 for one that is refused now (not the owner, a move under way), 504 for one that ran out of
/// time, 500 for one that failed.
/// </summary>
public static class ApiRoutes
{
    /// <summary>GET: a <see cref="StatusReport"/>.</summary>
    public const string Status = "/v1/status";

    /// <summary>GET: a <see cref="HistoryReport"/>.</summary>
    public const string History = "/v1/services/{service}/history";

    /// <summary>GET: an <see cref="ExplainReport"/>. Query: <c>node</c>, all of them where left out.</summary>
    public const string Explain = "/v1/services/{service}/explain";

    /// <summary>GET: a <see cref="SimulateReport"/>. Query: <c>kill</c>, a node, or <c>lose</c>, database or shared.</summary>
    public const string Simulate = "/v1/simulate";

    /// <summary>POST nothing: answered by a <see cref="MembershipReport"/> when this node's daemon begins to leave.</summary>
    public const string Leave = "/v1/cluster/leave";

    /// <summary>POST nothing: answered by a <see cref="MembershipReport"/>. Query: <c>node</c>.</summary>
    public const string Down = "/v1/cluster/down";

    /// <summary>POST nothing: answered by a <see cref="MembershipReport"/>.</summary>
    public const string DownUnreachable = "/v1/cluster/down-unreachable";

    /// <summary>GET, or POST nothing to begin: a <see cref="DrainReport"/>. Query: <c>node</c>, the answering one where left out.</summary>
    public const string Drain = "/v1/node/drain";

    /// <summary>POST nothing: answered by a <see cref="DrainReport"/>. Query as above.</summary>
    public const string Undrain = "/v1/node/undrain";

    /// <summary>GET: a <see cref="ShardingReport"/>.</summary>
    public const string Shards = "/v1/sharding";

    /// <summary>GET: an <see cref="ActorsReport"/>.</summary>
    public const string Actors = "/v1/actors";

    /// <summary>GET, or POST nothing with another level in the query (<c>level</c>): a <see cref="LogLevelReport"/>.</summary>
    public const string LogLevel = "/v1/log-level";

    /// <summary>POST a <see cref="MoveRequest"/>: answered by a <see cref="MoveReport"/> when the service runs on the other node.</summary>
    public const string Move = "/v1/services/{service}/move";

    /// <summary>POST nothing: answered by a <see cref="PauseReport"/> when the journal has it.</summary>
    public const string Pause = "/v1/services/{service}/pause";

    /// <summary>POST nothing: answered by a <see cref="PauseReport"/> when the journal has it.</summary>
    public const string Resume = "/v1/services/{service}/resume";

    /// <summary>POST nothing: answered by a <see cref="DumpReport"/> when a dump is committed.</summary>
    public const string Dump = "/v1/services/{service}/dump";

    /// <summary>POST nothing: answered by a <see cref="NotifyReport"/> when the command has ended. Query: <c>service</c>, whose command; that of all services where left out.</summary>
    public const string NotifyTest = "/v1/notify/test";

    /// <summary>GET: a <see cref="SeededReport"/>. Query: <c>service</c> and <c>node</c>, all of them where left out.</summary>
    public const string SeededDiff = "/v1/seeded/diff";

    /// <summary>POST nothing: answered by a <see cref="SeededReport"/> when each node has rendered. Query as above.</summary>
    public const string SeededRender = "/v1/seeded/render";

    /// <summary>GET: a <see cref="ConfigReport"/>. Query: <c>service</c>, all of them where left out.</summary>
    public const string Config = "/v1/config";

    /// <summary>GET: a <see cref="ConfigReport"/> with what a roll-out would change. Query as above.</summary>
    public const string ConfigDiff = "/v1/config/diff";

    /// <summary>POST nothing: answered by a <see cref="ConfigApplyReport"/> when the roll-outs have begun. Query as above.</summary>
    public const string ConfigApply = "/v1/config/apply";

    /// <summary>
    /// POST nothing: a generation of static content was published. Answered by a <see cref="StaticReport"/> when all nodes that can be reached serve it, or
    /// cannot, or the time is up. Query: <c>line</c>, the log that its number is of, and <c>seconds</c>.
    /// </summary>
    public const string StaticSwitch = "/v1/services/{service}/static/{name}/switch/{generation}";

    internal static string For(string route, string service, string name, long generation, string line, TimeSpan patience) => string.Create(
        CultureInfo.InvariantCulture,
        $"{For(route, service).Replace("{name}", Uri.EscapeDataString(name), StringComparison.Ordinal).Replace("{generation}", generation.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)}?line={Uri.EscapeDataString(line)}&seconds={patience.TotalSeconds:0.###}");

    internal static string For(string route, string? service, string? node) => WithQuery(route, ("service", service), ("node", node));

    internal static string WithQuery(string route, params (string, string?)[] parameters)
    {
        var query = string.Join('&', parameters
            .Where(one => one.Item2 is not null)
            .Select(one => $"{one.Item1}={Uri.EscapeDataString(one.Item2!)}"));
        return query.Length == 0 ? route : $"{route}?{query}";
    }

    internal static string For(string route, string service) =>
        route.Replace("{service}", Uri.EscapeDataString(service), StringComparison.Ordinal);
}
