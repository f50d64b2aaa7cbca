using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Grpc.Net.Client;

namespace ClusterFs.Guard.Transport;

/// <summary>Channels to guards. A peer that is gone must never make anyone wait longer than the deadline of the call.</summary>
internal static class GuardChannels
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A connection to a peer that lost its power is dropped after twice this; the kernel would send again for minutes, and a peer that is
    /// back would hear nothing. Not for the socket of this node: a guard that is only stopped ends nothing before the deadlines do.
    /// </summary>
    private static readonly TimeSpan PeerPing = TimeSpan.FromSeconds(1);

    public static GrpcChannel ToPeer(string node, string address, int port, MutualTls? tls) =>
        Create($"{(tls is null ? "http" : "https")}://{Host(address)}:{port}", tls?.ToPeer(node), PeerPing, async (_, cancellation) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            return await ConnectAsync(socket, new DnsEndPoint(address, port), cancellation).ConfigureAwait(false);
        });

    public static GrpcChannel ToSocket(string path) =>
        Create("http://guard", null, Timeout.InfiniteTimeSpan, async (_, cancellation) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            return await ConnectAsync(socket, new UnixDomainSocketEndPoint(path), cancellation).ConfigureAwait(false);
        });

    private static string Host(string address) => address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address;

    private static GrpcChannel Create(
        string address,
        SslClientAuthenticationOptions? tls,
        TimeSpan ping,
        Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect) =>
        GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            DisposeHttpClient = true,
            HttpHandler = new SocketsHttpHandler
            {
                SslOptions = tls ?? new SslClientAuthenticationOptions(),
                ConnectCallback = connect,
                ConnectTimeout = ConnectTimeout,
                EnableMultipleHttp2Connections = true,
                KeepAlivePingDelay = ping,
                KeepAlivePingTimeout = PeerPing,
                KeepAlivePingPolicy = HttpKeepAlivePingPolicy.Always,
                PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
                UseProxy = false,
            },
        });

    private static async ValueTask<Stream> ConnectAsync(Socket socket, EndPoint endpoint, CancellationToken cancellation)
    {
        try
        {
            await socket.ConnectAsync(endpoint, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
