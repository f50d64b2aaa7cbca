using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Lease.SqlVoter;

namespace ClusterFs.Cli.Doctor;

/// <summary>A program that listens on each node.</summary>
internal enum Listener
{
    Guard,
    Daemon,
    Health,
}

internal enum Connection
{
    Stands,

    /// <summary>The machine is there, and nobody listens.</summary>
    Refused,

    /// <summary>No answer at all.</summary>
    Silent,

    /// <summary>Somebody answers, and is not believed, or does not believe this node.</summary>
    NotTrusted,
}

/// <param name="Problem">In the system's words; null when the connection stands.</param>
/// <param name="CertificateEnds">Of the certificate that was shown; null in clear text.</param>
/// <param name="ClockAhead">By how much its wall clock is ahead of this node's, to a second or two; null where it does not say.</param>
internal sealed record PeerSeen(
    string Node, string Address, int Port, Listener Listener, Connection Connection, string? Problem, DateTimeOffset? CertificateEnds, TimeSpan? ClockAhead);

/// <summary>Whether this node reaches the others, and is who they say they are.</summary>
internal static class PeerCheck
{
    private const string Name = "peers";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>For a refusal to come, which is already on its way.</summary>
    private static readonly TimeSpan RefusalPatience = TimeSpan.FromMilliseconds(500);

    /// <summary>Nothing is decided by wall clocks, but people read them.</summary>
    private static readonly TimeSpan ClockDifference = TimeSpan.FromSeconds(5);

    public static Check Create(Settings settings, TimeProvider time) => new(
        Name, "the network of this machine does not answer", "look at its addresses and routes: ip addr, ip route", async () =>
        {
            var tls = TlsOf(settings);
            var others = settings.Cluster.Nodes.Where(node => node.Key != settings.Node.Name).ToList();
            var seen = await Task.WhenAll(others.SelectMany(node => Ports(settings).Select(port =>
                LookAsync(node.Key, node.Value, port.Port, port.Listener, tls, time)))).ConfigureAwait(false);
            return Judge(seen, settings.Node.Name, settings.Cluster.Voters, time.GetUtcNow());
        })
    {
        Patience = Patience + TimeSpan.FromSeconds(2),
    };

    public static IEnumerable<(int Port, Listener Listener)> Ports(Settings settings) =>
    [
        (settings.Cluster.GuardPort, Listener.Guard),
        (settings.Cluster.Port, Listener.Daemon),
        (settings.Cluster.HttpPort, Listener.Health),
    ];

    /// <param name="self">This node, whose own guard is looked at elsewhere.</param>
    /// <param name="voters">Nodes, and <c>sql</c> for the database, which is looked at elsewhere.</param>
    public static IEnumerable<Finding> Judge(IReadOnlyCollection<PeerSeen> seen, string self, IReadOnlyCollection<string> voters, DateTimeOffset now)
    {
        foreach (var peer in seen)
        {
            var where = $"{peer.Node}'s {WordOf(peer.Listener)} on {peer.Address}:{peer.Port}";
            yield return peer.Connection switch
            {
                Connection.Stands => Finding.Ok(Name, peer.CertificateEnds is null ? $"{where} answers" : $"{where} answers, and has the right certificate"),
                Connection.Refused => Finding.Warning(Name, $"nobody listens as {where}", MissingOf(peer.Listener), $"start it on {peer.Node}: {StartOf(peer.Listener)}"),
                Connection.Silent => Finding.Warning(
                    Name, $"{where} does not answer in {Patience.TotalSeconds:0} s", "the machine is off, or something between the two drops what is sent",
                    $"is the machine on, and TCP {peer.Port} open from here to there, and back?"),
                _ => Finding.Failure(
                    Name, $"{where} and this node do not believe one another: {peer.Problem}", "their certificates are not of one authority, or not made out to these nodes, or have ended",
                    "give each node a certificate of the same authority: clusterfs certificates node --help"),
            };
            if (peer.Connection == Connection.Stands && peer.CertificateEnds is { } ends
                && CertificateCheck.JudgeEnd(Name, $"the certificate of {where}", ends, now, CertificateCheck.RenewalOf(peer.Node)) is { Severity: not Severity.Ok } finding)
            {
                yield return finding;
            }

            if (peer.ClockAhead is { } ahead && ahead.Duration() > ClockDifference)
            {
                yield return Finding.Warning(
                    Name, $"{peer.Node}'s wall clock is {Math.Abs(ahead.TotalSeconds):0} s {(ahead > TimeSpan.Zero ? "ahead" : "behind")}",
                    "nothing is decided by it, but ages and times in status and history are wrong", "have a time service set the clocks of all nodes");
            }
        }

        var standing = seen.Where(peer => peer.Listener == Listener.Guard && peer.Connection == Connection.Stands).Select(peer => peer.Node).Append(self);
        var reached = voters.Intersect(standing).Count();
        var withDatabase = reached + (voters.Contains(SqlVoterMachine.Name) ? 1 : 0);
        var what = $"of {voters.Count} voters ({string.Join(", ", voters)}) this node reaches the guards of {reached}{(voters.Contains(self) ? ", itself included" : "")}";
        if (withDatabase * 2 <= voters.Count)
        {
            yield return Finding.Failure(
                Name, what, "without a majority no lease is granted or renewed here: no service can run on this node", "see above what does not answer");
        }
        else if (reached * 2 <= voters.Count)
        {
            yield return Finding.Warning(
                Name, what, "that is a majority only while the database answers: services run here, and stop when it does not", "see above what does not answer, and below the journal");
        }
    }

    public static async Task<PeerSeen> LookAsync(string node, string address, int port, Listener listener, MutualTls? tls, TimeProvider time)
    {
        using var patience = new CancellationTokenSource(Patience);
        PeerSeen Seen(Connection connection, string? problem) => new(node, address, port, listener, connection, problem, null, null);
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Parse(address), port, patience.Token).ConfigureAwait(false);
            return listener == Listener.Health ? Seen(Connection.Stands, null) with { ClockAhead = await ClockAsync(address, port, time, patience.Token).ConfigureAwait(false) }
                : tls is null ? Seen(Connection.Stands, null)
                : Seen(Connection.Stands, null) with { CertificateEnds = await ShakeHandsAsync(client, node, tls, patience.Token).ConfigureAwait(false) };
        }
        catch (SocketException e)
        {
            return Seen(e.SocketErrorCode == SocketError.ConnectionRefused ? Connection.Refused : Connection.Silent, e.Message);
        }
        catch (OperationCanceledException)
        {
            return Seen(Connection.Silent, null);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            return Seen(Connection.NotTrusted, e.InnerException?.Message ?? e.Message);
        }
    }

    private static async Task<DateTimeOffset?> ShakeHandsAsync(TcpClient client, string node, MutualTls tls, CancellationToken cancellation)
    {
        var stream = new SslStream(client.GetStream());
        await using (stream.ConfigureAwait(false))
        {
            await stream.AuthenticateAsClientAsync(tls.ToPeer(node), cancellation).ConfigureAwait(false);
            await HearRefusalAsync(stream, cancellation).ConfigureAwait(false);
            return stream.RemoteCertificate is X509Certificate2 shown ? new DateTimeOffset(shown.NotAfter.ToUniversalTime(), TimeSpan.Zero) : null;
        }
    }

    /// <summary>
    /// With TLS 1.3 the handshake is over here before the other side has judged this node's certificate: that it refuses shows with the first byte that is
    /// read. Who believes it says something, or waits for this node to.
    /// </summary>
    private static async Task HearRefusalAsync(SslStream stream, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(RefusalPatience);
        try
        {
            if (await stream.ReadAsync(new byte[1], patience.Token).ConfigureAwait(false) == 0)
            {
                throw new AuthenticationException("it shows a certificate, and closes the connection when it has seen this node's");
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Nothing against it.
        }
    }

    /// <returns>Null where it does not say what time it is.</returns>
    private static async Task<TimeSpan?> ClockAsync(string address, int port, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
            using var http = new HttpClient(handler);
            using var answer = await http.GetAsync(new UriBuilder("http", address, port, "/ready").Uri, HttpCompletionOption.ResponseHeadersRead, cancellation)
                .ConfigureAwait(false);
            return answer.Headers.Date - time.GetUtcNow();
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>What is wrong with this node's own certificate is said elsewhere; the others are then reached without.</summary>
    private static MutualTls? TlsOf(Settings settings)
    {
        try
        {
            return MutualTls.Load(settings);
        }
        catch (ConfigurationException)
        {
            return null;
        }
    }

    private static string WordOf(Listener listener) => listener switch
    {
        Listener.Guard => "guard",
        Listener.Daemon => "daemon",
        _ => "health port",
    };

    private static string MissingOf(Listener listener) => listener switch
    {
        Listener.Guard => "its guard does not run: it does not vote, and no service can run there",
        Listener.Daemon => "its daemon does not run: it keeps no copy and takes nothing over",
        _ => "its daemon does not run: load balancers and Prometheus get no answer",
    };

    private static string StartOf(Listener listener) => listener == Listener.Guard ? "systemctl start clusterfs-guard" : "systemctl start clusterfs";
}
