using System.Net.Sockets;
using System.Text;

namespace ClusterFs.Cluster.Tests.Recipes;

/// <summary>One connection of a protocol that is made of lines.</summary>
internal sealed class LineConnection : IDisposable
{
    private readonly TcpClient _client = new();
    private StreamReader? _reader;

    public static async Task<LineConnection> Open(string host, int port, CancellationToken cancelled)
    {
        var connection = new LineConnection();
        try
        {
            await connection._client.ConnectAsync(host, port, cancelled);
            connection._reader = new StreamReader(connection._client.GetStream(), Encoding.Latin1);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public ValueTask Send(string line, CancellationToken cancelled) =>
        _client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(line + "\r\n"), cancelled);

    /// <exception cref="IOException">The other side has closed the connection.</exception>
    public async Task<string> Receive(CancellationToken cancelled) =>
        await _reader!.ReadLineAsync(cancelled) ?? throw new IOException("the connection was closed");

    /// <summary>Sends a line and requires an answer that begins so.</summary>
    public async Task<string> Ask(string line, string expected, CancellationToken cancelled)
    {
        await Send(line, cancelled);
        return await Require(expected, cancelled);
    }

    public async Task<string> Require(string expected, CancellationToken cancelled)
    {
        var answer = await Receive(cancelled);
        return answer.StartsWith(expected, StringComparison.Ordinal) ? answer : throw new IOException($"{expected} was expected: {answer}");
    }

    public void Dispose()
    {
        _reader?.Dispose();
        _client.Dispose();
    }
}
