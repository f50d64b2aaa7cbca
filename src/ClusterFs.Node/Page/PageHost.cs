using System.Net;
using ClusterFs.Configuration;

namespace ClusterFs.Node.Page;

/// <summary>
/// By which names the page may be asked for. A site of somebody else can have its own name lead to this node (DNS rebinding), and a browser would then let
/// its scripts read what this node says; but the browser says the site's name.
/// </summary>
internal static class PageHost
{
    /// <param name="host">As a browser sends it, without the port.</param>
    public static bool IsOurs(string host, ClusterSettings cluster) =>
        IPAddress.TryParse(host.Trim('[', ']'), out _)
        || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.Equals(Environment.MachineName, StringComparison.OrdinalIgnoreCase)
        || cluster.Nodes.Keys.Contains(host, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether a path is the page's or part of it.</summary>
    public static bool IsPage(PathString path) => path is { HasValue: false } or { Value: "/" } || path.StartsWithSegments("/page");
}
