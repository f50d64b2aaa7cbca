using System.Net;
using System.Net.Sockets;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>What this node's own guard and daemon say, and whether the node has the address that the others know.</summary>
internal static class NodeCheck
{
    private const string Name = "this node";

    private static readonly TimeSpan AnswerPatience = TimeSpan.FromSeconds(3);

    public static Check Create(Settings settings) => new(
        Name, "guard or daemon takes questions and does not answer", "see their logs: journalctl -u clusterfs -u clusterfs-guard", async () =>
        {
            var guard = await AskGuardAsync(settings).ConfigureAwait(false);
            var daemon = await AskDaemonAsync(settings).ConfigureAwait(false);
            return
            [
                guard, .. daemon,
                .. PeerCheck.Ports(settings).SelectMany(port => JudgePort(
                    settings, port.Port, port.Listener, (port.Listener == Listener.Guard ? guard : daemon[0]).Severity == Severity.Ok)),
            ];
        })
    {
        Patience = AnswerPatience * 3,
    };

    public static IEnumerable<Finding> Judge(StatusReport status)
    {
        yield return Finding.Ok(Name, "the daemon answers");
        if (!status.Self.GuardAttached)
        {
            yield return Finding.Failure(Name, $"the daemon is not connected to the guard: {status.Self.GuardError}", "no service can start here", "systemctl restart clusterfs-guard; see its log");
        }

        if (!status.Cluster.Quorum)
        {
            var missing = status.Cluster.Members.Where(member => member is not { Status: "up", Reachable: true }).Select(member => member.Name);
            yield return Finding.Warning(Name, $"the daemon sees no majority of the nodes: without {string.Join(", ", missing)}", "ownership may not change; what runs goes on", "see 'clusterfs cluster show'");
        }

        if (status.Cluster.Journal is { Reachable: false } journal)
        {
            yield return Finding.Failure(Name, $"the daemon does not reach the journal's database: {journal.Problem}", "ownership does not change, and nothing fails over", "see below what is said of the journal");
        }
    }

    private static async Task<Finding> AskGuardAsync(Settings settings)
    {
        using var guard = new GuardStatus(settings.Node.GuardSocket);
        try
        {
            var status = await guard.GetAsync(AnswerPatience, CancellationToken.None).ConfigureAwait(false);
            return Finding.Ok(Name, status.DaemonAttached ? "the guard answers" : "the guard answers, and no daemon is connected to it");
        }
        catch (GuardUnreachableException e)
        {
            var problem = File.Exists(settings.Node.GuardSocket) ? e.Message : $"no guard runs: there is no {settings.Node.GuardSocket}";
            return Finding.Warning(Name, problem, "this node does not vote, and no service can run on it", "systemctl start clusterfs-guard; as another user than root you have to be in its group");
        }
    }

    private static async Task<IReadOnlyList<Finding>> AskDaemonAsync(Settings settings)
    {
        using var daemon = new DaemonClient(settings.Node.Socket);
        try
        {
            return [.. Judge(await daemon.GetStatusAsync(AnswerPatience, CancellationToken.None).ConfigureAwait(false))];
        }
        catch (DaemonException e)
        {
            return [Finding.Warning(Name, e.Message, "nothing is dumped or followed here", "systemctl start clusterfs; as another user than root you have to be in its group")];
        }
    }

    /// <param name="isOurs">Whether the program answers that is to listen there.</param>
    private static IEnumerable<Finding> JudgePort(Settings settings, int port, Listener listener, bool isOurs)
    {
        if (isOurs)
        {
            yield break;
        }

        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        SocketError error;
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(settings.Node.Address), port));
            yield break;
        }
        catch (SocketException e)
        {
            error = e.SocketErrorCode;
        }

        var place = $"{settings.Node.Address}:{port}";
        yield return error switch
        {
            SocketError.AddressNotAvailable => Finding.Failure(
                Name, $"{settings.Node.Address} is no address of this machine", "the others look for this node there", "see 'ip addr', and clusterfs.cluster.nodes"),
            SocketError.AddressAlreadyInUse when !Processes.IsRoot || File.Exists(listener == Listener.Guard ? settings.Node.GuardSocket : settings.Node.Socket) => Finding.Warning(
                Name, $"{place}, where the {listener.ToString().ToLowerInvariant()} is to listen, is taken", "perhaps by that very program, which did not answer here; if not, it cannot start",
                $"'ss -ltnp sport = :{port}' says by whom"),
            SocketError.AddressAlreadyInUse => Finding.Failure(
                Name, $"{place}, where the {listener.ToString().ToLowerInvariant()} is to listen, is taken", "it cannot start", $"'ss -ltnp sport = :{port}' says by whom; or give the cluster other ports"),
            _ => Finding.Failure(Name, $"{place} cannot be listened on: {error}", "it cannot start", "see clusterfs.cluster"),
        };
    }
}
