using System.Net;
using System.Net.Sockets;

namespace ClusterFs.Demo.Layout;

/// <summary>The addresses and ports of a cluster, free when they were chosen.</summary>
/// <param name="Prefix">The first three bytes of the nodes' addresses.</param>
/// <param name="Ports">The same on every node.</param>
internal sealed record Loopback(string Prefix, Ports Ports)
{
    private const int FirstPrivateRange = 10;
    private const int LastPrivateRange = 250;
    private const int PortStep = 100;
    private const int Attempts = 50;

    /// <exception cref="ConditionNotMetException">Nothing free was found.</exception>
    public static Loopback Choose(string? prefix, int nodes)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var candidate = new Loopback(
                prefix ?? $"127.0.{Random.Shared.Next(FirstPrivateRange, LastPrivateRange)}",
                Ports.Usual.Shifted(attempt * PortStep));
            if (Enumerable.Range(1, nodes).All(node => candidate.Ports.All.All(port => IsFree(candidate.AddressOf(node), port))))
            {
                return candidate;
            }
        }

        throw new ConditionNotMetException($"no free ports on {prefix ?? "127.0"}.x were found in {Attempts} attempts");
    }

    public string AddressOf(int node) => $"{Prefix}.{node}";

    public static bool IsFree(string address, int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

/// <param name="Cluster">Of the daemons.</param>
/// <param name="Guard">Of the guards.</param>
/// <param name="Http">Of the daemons' health pages.</param>
/// <param name="Service">The first of the two that the services listen on.</param>
/// <param name="Database">Of the private database server.</param>
public sealed record Ports(int Cluster, int Guard, int Http, int Service, int Database)
{
    public static Ports Usual { get; } = new(4053, 4054, 4080, 8080, 5544);

    public IReadOnlyList<int> All => [Cluster, Guard, Http, Service, Service + 1, Database];

    public Ports Shifted(int by) => new(Cluster + by, Guard + by, Http + by, Service + by, Database + by);
}
