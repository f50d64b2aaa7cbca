using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using ClusterFs.Cli.Certificates;
using ClusterFs.Cli.Doctor;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Tests.Doctor;

/// <summary>Doctor on real files, sockets and mounts.</summary>
public sealed class DoctorCommandTests
{
    /// <summary>Not those that a cluster on this machine may have.</summary>
    private const string Ports = "clusterfs.cluster { port = 4863, guard-port = 4864, http-port = 4865 }\n";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_node_whose_peers_are_missing_is_not_fit_and_each_thing_to_mend_is_said()
    {
        using var cli = new CliFixture(Ports);
        using var guard = Listen("127.0.0.2", 4864);

        var outcome = await cli.RunAsync("doctor", "--here");

        Assert.Equal(ExitCodes.Done, outcome.ExitCode);
        Assert.Contains("ok       peers: n2's guard on 127.0.0.2:4864 answers\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("WARNING  peers: nobody listens as n3's guard on 127.0.0.3:4864\n", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("ok       shared storage: exclusive create ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("ok       live content of wiki: live is on ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("WARNING  this node: no guard runs: there is no guard.sock\n", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("to look at.\n", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(["n1"], Directory.GetFileSystemEntries(Path.Combine(cli.Shared, "clusterfs", "doctor")).Select(Path.GetFileName));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(cli.Root), path => path.Contains("doctor", StringComparison.Ordinal));

        guard.Stop();
        var alone = await Examine(cli);
        Assert.False(alone.Fit);
        Assert.Contains(alone.Findings, finding => finding is { Check: "peers", Severity: Severity.Failure } && finding.Seen == "of 3 voters (n1, n2, n3) this node reaches the guards of 1, itself included");
    }

    [Fact]
    public async Task A_configuration_that_cannot_be_used_is_a_finding_for_each_mistake()
    {
        using var cli = new CliFixture("clusterfs.lease.ttl = -1s\nclusterfs.services.wiki.live.dump-evry = 1s\n");

        var outcome = await cli.RunAsync("doctor", "--here");

        Assert.Equal(ExitCodes.Failed, outcome.ExitCode);
        Assert.Contains("FAILURE  configuration: node.conf:8: clusterfs.lease.ttl: ", outcome.Output, StringComparison.Ordinal);
        Assert.Contains("FAILURE  configuration: node.conf:9: clusterfs.services.wiki.live.dump-evry: ", outcome.Output, StringComparison.Ordinal);
        Assert.EndsWith("This node is NOT FIT: 2 to mend, 0 to look at.\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Storage_that_is_not_there_a_key_for_everybody_and_a_port_that_is_taken_are_found()
    {
        using var cli = new CliFixture(Ports);
        using var thief = Listen("127.0.0.1", 4863);
        var tls = Directory.CreateDirectory(Path.Combine(cli.Root, "tls")).FullName;
        CertificateMaker.MakeAuthority(tls, "test", 100, TimeProvider.System.GetUtcNow().AddDays(-5));
        CertificateMaker.MakeNode(tls, tls, "n1", null, 5, TimeProvider.System.GetUtcNow());
        File.AppendAllText(cli.ConfigurationFile, $"clusterfs.tls {{ authority = \"{tls}/authority.pem\", certificate = \"{tls}/n1.pem\", key = \"{tls}/n1.key\" }}\n");
        var sound = await Examine(cli);
        Assert.DoesNotContain(sound.Findings, finding => finding.Check == "permissions" && finding.Severity != Severity.Ok);
        Assert.Contains(sound.Findings, finding => finding is { Check: "certificate", Severity: Severity.Warning });
        Assert.Contains(sound.Findings, finding => finding.Seen == "127.0.0.1:4863, where the daemon is to listen, is taken");

        File.SetUnixFileMode(Path.Combine(tls, "n1.key"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Directory.Delete(Path.Combine(cli.Shared, "clusterfs"), recursive: true);
        CertificateMaker.Renew(tls, tls, "n1", newKey: false, days: 1, TimeProvider.System.GetUtcNow().AddDays(-2));
        var sick = await Examine(cli);

        Assert.False(sick.Fit);
        Failed(sick, "permissions", "/tls/n1.key has mode 0404");
        Failed(sick, "certificate", "/tls/n1.pem ended on ");
        Failed(sick, "shared mount", "there is no directory clusterfs in it");
        Failed(sick, "shared storage", "mounted, and set up?", "there is no ");
    }

    [Fact]
    public async Task Peers_with_certificates_of_another_authority_are_not_believed()
    {
        using var cli = new CliFixture(Ports);
        var (ours, theirs) = (Directory.CreateDirectory(Path.Combine(cli.Root, "ours")).FullName, Directory.CreateDirectory(Path.Combine(cli.Root, "theirs")).FullName);
        foreach (var (place, node) in new[] { (ours, "n1"), (theirs, "n2") })
        {
            CertificateMaker.MakeAuthority(place, "test", 100, TimeProvider.System.GetUtcNow());
            CertificateMaker.MakeNode(place, place, node, null, 90, TimeProvider.System.GetUtcNow());
        }

        using var certificate = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPemFile($"{theirs}/n2.pem", $"{theirs}/n2.key");
        using var guard = Listen("127.0.0.2", 4864);
        var shaking = ShakeHands(guard, certificate);
        File.AppendAllText(cli.ConfigurationFile, $"clusterfs.tls {{ authority = \"{ours}/authority.pem\", certificate = \"{ours}/n1.pem\", key = \"{ours}/n1.key\" }}\n");

        Failed(await Examine(cli), "peers", "n2's guard on 127.0.0.2:4864 and this node do not believe one another");
        await shaking;
    }

    [Fact]
    public async Task A_peer_that_refuses_this_nodes_certificate_after_the_handshake_is_found()
    {
        using var cli = new CliFixture(Ports);
        var tls = Directory.CreateDirectory(Path.Combine(cli.Root, "tls")).FullName;
        CertificateMaker.MakeAuthority(tls, "test", 100, TimeProvider.System.GetUtcNow());
        CertificateMaker.MakeNode(tls, tls, "n1", null, 90, TimeProvider.System.GetUtcNow());
        CertificateMaker.MakeNode(tls, tls, "n2", null, 90, TimeProvider.System.GetUtcNow());
        using var certificate = System.Security.Cryptography.X509Certificates.X509Certificate2.CreateFromPemFile($"{tls}/n2.pem", $"{tls}/n2.key");
        using var guard = Listen("127.0.0.2", 4864);
        var shaking = ShakeHands(guard, certificate, believes: false);
        File.AppendAllText(cli.ConfigurationFile, $"clusterfs.tls {{ authority = \"{tls}/authority.pem\", certificate = \"{tls}/n1.pem\", key = \"{tls}/n1.key\" }}\n");

        Failed(await Examine(cli), "peers", "n2's guard on 127.0.0.2:4864 and this node do not believe one another");
        await shaking;
    }

    [Fact]
    public async Task Links_are_judged_by_what_they_lead_to()
    {
        using var cli = new CliFixture(Ports);
        var token = Path.Combine(cli.Root, "token");
        File.WriteAllText(token, new string('x', 30));
        File.SetUnixFileMode(token, UnixFileMode.UserRead);
        File.CreateSymbolicLink($"{token}.link", token);
        File.AppendAllText(cli.ConfigurationFile, $"clusterfs.http.token-file = \"{token}.link\"\n");

        Assert.DoesNotContain((await Examine(cli)).Findings, finding => finding.Check == "permissions" && finding.Seen.Contains("token", StringComparison.Ordinal));

        File.SetUnixFileMode(token, UnixFileMode.UserRead | UnixFileMode.OtherRead);
        Failed(await Examine(cli), "permissions", "/token has mode 0404");
    }

    [Fact]
    public async Task Where_others_may_write_nothing_is_done_and_what_they_put_there_is_not_followed()
    {
        using var cli = new CliFixture(Ports);
        var directory = Path.Combine(cli.Shared, "clusterfs", "doctor");
        var elsewhere = Directory.CreateDirectory(Path.Combine(cli.Root, "elsewhere")).FullName;
        Directory.CreateSymbolicLink(directory, elsewhere);
        var linked = Assert.Throws<UntrustedDirectoryException>(() => DoctorDirectory.Open(cli.Shared, "n1"));
        Assert.EndsWith("/clusterfs/doctor is no directory", linked.Message, StringComparison.Ordinal);
        Assert.Contains((await Examine(cli)).Findings, finding => finding is { Check: "shared storage", Severity: Severity.Warning });
        Assert.Empty(Directory.GetFileSystemEntries(elsewhere));

        File.Delete(directory);
        Directory.CreateDirectory(directory);
        File.SetUnixFileMode(directory, (UnixFileMode)0b111_111_111);
        Assert.Throws<UntrustedDirectoryException>(() => DoctorDirectory.Open(cli.Shared, "n1"));
        Assert.Empty(Directory.GetFileSystemEntries(directory));

        // What leads elsewhere within, and what would hold up who opens it.
        File.SetUnixFileMode(directory, (UnixFileMode)0b111_000_000);
        using (var fifo = Process.Start("mkfifo", [Path.Combine(directory, "n2")]))
        {
            await fifo.WaitForExitAsync();
        }

        File.CreateSymbolicLink(Path.Combine(directory, "n3"), cli.ConfigurationFile);
        using var place = DoctorDirectory.Open(cli.Shared, "n1");
        var marks = await new MarkCheck.Exchange(place, "n1", ["n2", "n3"], TimeProvider.System).RunAsync().WaitAsync(Patience);
        Assert.All(marks, mark => Assert.Null(mark.Age));
    }

    [Fact]
    public async Task Doctors_that_run_at_the_same_time_measure_what_the_storage_takes()
    {
        using var cli = new CliFixture(Ports);
        using var place = DoctorDirectory.Open(cli.Shared, "n1");
        string[] nodes = ["n1", "n2", "n3"];
        MarkCheck.Exchange Of(string node) => new(place, node, [.. nodes.Where(other => other != node)], TimeProvider.System);

        Assert.All(await Of("n1").RunAsync(), mark => Assert.Null(mark.Age));
        var all = await Task.WhenAll(nodes.Select(node => Of(node).RunAsync()));

        Assert.All(all.SelectMany(marks => marks), mark => Assert.InRange(mark.ThereAndBack!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(2)));
        Assert.All(await Of("n1").RunAsync(), mark => Assert.Equal((true, false, null), (mark.Age is not null, mark.IsRunning, mark.ThereAndBack)));
    }

    [SkippableFact]
    public async Task A_mount_that_hangs_does_not_hang_doctor()
    {
        Skip.IfNot(Processes.IsRoot && File.Exists("/usr/bin/bindfs") && File.Exists("/dev/fuse"), "needs root, bindfs and /dev/fuse");
        using var cli = new CliFixture(Ports);
        var below = Directory.CreateDirectory(Path.Combine(cli.Root, "below")).FullName;
        Directory.CreateDirectory(Path.Combine(below, "clusterfs"));
        Directory.Delete(Path.Combine(cli.Shared, "clusterfs"), recursive: true);
        using var server = Process.Start("/usr/bin/bindfs", ["-f", below, cli.Shared]);
        try
        {
            await UntilMounted(cli.Shared);
            Processes.Signal(server.Id, Processes.SignalStop);
            var watch = Stopwatch.StartNew();

            // A process of its own: this one must not be left with a thread that cannot end.
            using var doctor = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "clusterfs"), ["doctor", "--json", "--config", cli.ConfigurationFile])
            {
                RedirectStandardOutput = true,
            })!;
            using var limit = new CancellationTokenSource(Patience);
            var report = JsonSerializer.Deserialize(await doctor.StandardOutput.ReadToEndAsync(limit.Token), DoctorJson.Default.DoctorReport)!;
            await doctor.WaitForExitAsync(limit.Token);

            Assert.Equal(ExitCodes.Failed, doctor.ExitCode);
            Failed(report, "shared mount", "did not answer in 5 s");
            Failed(report, "shared storage", "did not answer in 10 s");
            Assert.Contains(report.Findings, finding => finding is { Check: "clock rate" } && !finding.Seen.Contains("did not answer", StringComparison.Ordinal));
            Assert.InRange(watch.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));
        }
        finally
        {
            Processes.Signal(server.Id, Processes.SignalContinue);
            using var unmount = Process.Start("umount", ["-l", cli.Shared]);
            await unmount.WaitForExitAsync();
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    private static async Task UntilMounted(string mount)
    {
        using var limit = new CancellationTokenSource(Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while (MountPoints.Of(mount).Path != mount)
        {
            await timer.WaitForNextTickAsync(limit.Token);
        }
    }

    private static async Task ShakeHands(TcpListener guard, System.Security.Cryptography.X509Certificates.X509Certificate2 certificate, bool believes = true)
    {
        using var client = await guard.AcceptTcpClientAsync();
        using var stream = new System.Net.Security.SslStream(client.GetStream());
        try
        {
            await stream.AuthenticateAsServerAsync(new System.Net.Security.SslServerAuthenticationOptions
            {
                ServerCertificate = certificate,
                ClientCertificateRequired = !believes,
                RemoteCertificateValidationCallback = (_, _, _, _) => believes,
            });
            await stream.ReadExactlyAsync(new byte[1]);
        }
        catch (Exception e) when (e is IOException or System.Security.Authentication.AuthenticationException)
        {
            // It is not believed, as it should not be.
        }
    }

    private static TcpListener Listen(string address, int port)
    {
        var listener = new TcpListener(IPAddress.Parse(address), port);
        listener.Start();
        return listener;
    }

    private static async Task<DoctorReport> Examine(CliFixture cli)
    {
        var outcome = await cli.RunAsync("doctor", "--here", "--json");
        var report = JsonSerializer.Deserialize(outcome.Output, DoctorJson.Default.DoctorReport)!;
        Assert.Equal(report.Fit ? ExitCodes.Done : ExitCodes.Failed, outcome.ExitCode);
        return report;
    }

    private static void Failed(DoctorReport report, string check, params string[] said) => Assert.Contains(
        report.Findings,
        finding => finding.Check == check && finding.Severity == Severity.Failure && said.All(part => $"/{finding.Seen}".Contains(part, StringComparison.Ordinal)));
}
