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

    /// <summary>POST a <see cref="MoveRequest"/>: answered by a <see cref="MoveReport"/> when the service runs on the other node.</summary>
    public const string Move = "/v1/services/{service}/move";

    /// <summary>POST nothing: answered by a <see cref="PauseReport"/> when the journal has it.</summary>
    public const string Pause = "/v1/services/{service}/pause";

    /// <summary>POST nothing: answered by a <see cref="PauseReport"/> when the journal has it.</summary>
    public const string Resume = "/v1/services/{service}/resume";

    /// <summary>POST nothing: answered by a <see cref="DumpReport"/> when a dump is committed.</summary>
    public const string Dump = "/v1/services/{service}/dump";

    /// <summary>GET: a <see cref="SeededReport"/>. Query: <c>service</c> and <c>node</c>, all of them where left out.</summary>
    public const string SeededDiff = "/v1/seeded/diff";

    /// <summary>POST nothing: answered by a <see cref="SeededReport"/> when each node has rendered. Query as above.</summary>
    public const string SeededRender = "/v1/seeded/render";

    /// <summary>
    /// POST nothing: a generation of static content was published. Answered by a <see cref="StaticReport"/> when all nodes that can be reached serve it, or
    /// cannot, or the time is up. Query: <c>line</c>, the log that its number is of, and <c>seconds</c>.
    /// </summary>
    public const string StaticSwitch = "/v1/services/{service}/static/{name}/switch/{generation}";

    internal static string For(string route, string service, string name, long generation, string line, TimeSpan patience) => string.Create(
        CultureInfo.InvariantCulture,
        $"{For(route, service).Replace("{name}", Uri.EscapeDataString(name), StringComparison.Ordinal).Replace("{generation}", generation.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)}?line={Uri.EscapeDataString(line)}&seconds={patience.TotalSeconds:0.###}");

    internal static string For(string route, string? service, string? node)
    {
        var query = string.Join('&', new[] { ("service", service), ("node", node) }
            .Where(one => one.Item2 is not null)
            .Select(one => $"{one.Item1}={Uri.EscapeDataString(one.Item2!)}"));
        return query.Length == 0 ? route : $"{route}?{query}";
    }

    internal static string For(string route, string service) =>
        route.Replace("{service}", Uri.EscapeDataString(service), StringComparison.Ordinal);
}
