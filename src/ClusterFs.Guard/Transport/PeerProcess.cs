using System.Buffers.Binary;
using System.Net.Sockets;
using ClusterFs.Guard.Execution;
using Grpc.Core;
using Microsoft.AspNetCore.Connections.Features;

namespace ClusterFs.Guard.Transport;

/// <summary>Who is at the other end of the Unix socket, as the kernel says.</summary>
internal static class PeerProcess
{
    private const int SocketLevel = 1;
    private const int PeerCredentials = 17;

    /// <returns>Null when the process is gone, or is another than the one that it says it is.</returns>
    public static ProcessEntry? Of(ServerCallContext context, int claimed)
    {
        var socket = context.GetHttpContext().Features.Get<IConnectionSocketFeature>()?.Socket;
        if (socket is not { AddressFamily: AddressFamily.Unix })
        {
            return null;
        }

        Span<byte> credentials = stackalloc byte[12];
        _ = socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        return BinaryPrimitives.ReadInt32LittleEndian(credentials) == claimed ? ProcessTable.Find(claimed) : null;
    }
}
