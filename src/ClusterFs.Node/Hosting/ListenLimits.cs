using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace ClusterFs.Node.Hosting;

/// <summary>
/// What the HTTP listeners put up with. The TCP port is open to a network: nobody who asks there, however much, slowly or wrongly, may cost the
/// daemon more than a few buffers, or keep others from asking, least of all those on the socket.
/// </summary>
internal static class ListenLimits
{
    private const int MaxHeaderBytes = 8 << 10;
    private const int MaxLineBytes = 4 << 10;
    private const int MaxHeaders = 50;
    private const int MaxBodyBytes = 64 << 10;
    private const int MaxConnections = 256;
    private const int MaxConnectionsOfOne = 32;

    private static readonly TimeSpan HeadersPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan IdlePatience = TimeSpan.FromSeconds(30);

    public static void Set(KestrelServerLimits limits)
    {
        limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        limits.MaxRequestLineSize = MaxLineBytes;
        limits.MaxRequestHeaderCount = MaxHeaders;
        limits.MaxRequestBodySize = MaxBodyBytes;
        limits.RequestHeadersTimeout = HeadersPatience;
        limits.KeepAliveTimeout = IdlePatience;
        limits.MaxConcurrentUpgradedConnections = 0;
    }

    /// <summary>Of the TCP port alone: whoever opens all the connections there leaves the socket free.</summary>
    public static void LimitConnections(ListenOptions listen)
    {
        var open = new ConnectionCount(MaxConnections, MaxConnectionsOfOne);
        listen.Use(next => async connection =>
        {
            var from = (connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None;
            if (!open.TryAdd(from))
            {
                connection.Abort();
                return;
            }

            try
            {
                await next(connection).ConfigureAwait(false);
            }
            finally
            {
                open.Remove(from);
            }
        });
    }
}
