using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Remote.Transport.DotNetty;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Node.Cluster;
using Settings = ClusterFs.Configuration.Settings;

namespace ClusterFs.Node.Tests.Cluster;

/// <summary>Actor systems with the transport that daemons use, over real connections: who is let in, and who is not.</summary>
public sealed class EncryptionTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>An answer that is refused never comes; one that is not comes within milliseconds.</summary>
    private static readonly TimeSpan NoAnswer = TimeSpan.FromSeconds(3);

    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-remoting-").FullName;
    private readonly X509Certificate2 _ours = Authority();
    private readonly X509Certificate2 _theirs = Authority();

    public void Dispose()
    {
        _ours.Dispose();
        _theirs.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Another_node_of_the_cluster_is_let_in()
    {
        using var daemon = Daemon();
        Assert.NotNull(await AskAsync(daemon, Node("n2", _ours), Patience));
    }

    [Theory]
    [InlineData("another authority")]
    [InlineData("ended")]
    [InlineData("no node's name")]
    [InlineData("none")]
    public async Task Whoever_has_no_valid_certificate_of_a_node_is_kept_out(string who)
    {
        using var daemon = Daemon();
        var certificate = who switch
        {
            "another authority" => Node("n2", _theirs),
            "ended" => Node("n2", _ours, TimeProvider.System.GetUtcNow().AddDays(-2)),
            "no node's name" => Node("stranger", _ours),
            _ => null,
        };
        Assert.Null(await AskAsync(daemon, certificate, NoAnswer));

        // It was not the daemon that was away.
        Assert.NotNull(await AskAsync(daemon, Node("n2", _ours), Patience));
    }

    private ActorSystem Daemon()
    {
        using var certificate = Node("n1", _ours);
        var (authorityFile, certificateFile, keyFile) = (InDirectory("authority.pem"), InDirectory("n1.pem"), InDirectory("n1.key"));
        File.WriteAllText(authorityFile, _ours.ExportCertificatePem());
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        var settings = new Settings(
            new NodeSettings("n1", "127.0.0.1", _directory, InDirectory("clusterfs.sock")),
            new ClusterSettings(
                "test", 1, 2, 3, ImmutableSortedDictionary<string, string>.Empty.Add("n1", "127.0.0.1").Add("n2", "127.0.0.2"), ["n1"]),
            new JournalSettings(JournalProvider.Sqlite, "Data Source=/dev/null"),
            new SharedSettings(_directory),
            new LeaseSettings(TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(1500)),
            new TlsSettings(authorityFile, certificateFile, keyFile),
            ImmutableSortedDictionary<string, ServiceSettings>.Empty);
        var setup = ClusterConfiguration.EncryptionOf(new NodeIdentity(MutualTls.Load(settings)))!;
        var system = System(setup);
        system.ActorOf(Props.Create(() => new Quiet()), "quiet");
        return system;
    }

    /// <summary>Whether somebody who believes every daemon is answered by this one.</summary>
    /// <returns>Null when not.</returns>
    private static async Task<IActorRef?> AskAsync(ActorSystem daemon, X509Certificate2? certificate, TimeSpan patience)
    {
        using var asker = System(certificate is null ? null : new DotNettySslSetup(certificate, suppressValidation: true));
        var address = ((ExtendedActorSystem)daemon).Provider.DefaultAddress;
        var path = new RootActorPath(certificate is null ? address.WithProtocol("akka.tcp") : address) / "user" / "quiet";
        try
        {
            return (await asker.ActorSelection(path).Ask<ActorIdentity>(new Identify(1), patience)).Subject;
        }
        catch (AskTimeoutException)
        {
            return null;
        }
        finally
        {
            certificate?.Dispose();
        }
    }

    private static ActorSystem System(DotNettySslSetup? setup)
    {
        var config = ConfigurationFactory.ParseString($$"""
            akka {
              loglevel = OFF
              stdout-loglevel = OFF
              actor.provider = remote
              remote.dot-netty.tcp {
                hostname = "127.0.0.1"
                port = 0
                enable-ssl = {{(setup is null ? "off" : "on")}}
              }
            }
            """);
        var bootstrap = BootstrapSetup.Create().WithConfig(config);
        return ActorSystem.Create("test", setup is null ? ActorSystemSetup.Create(bootstrap) : ActorSystemSetup.Create(bootstrap, setup));
    }

    private static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-10), now.AddDays(10));
    }

    private static X509Certificate2 Node(string name, X509Certificate2 authority, DateTimeOffset? until = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(
            authority,
            TimeProvider.System.GetUtcNow().AddDays(-5),
            until ?? TimeProvider.System.GetUtcNow().AddDays(5),
            RandomNumberGenerator.GetBytes(16));
        using var withKey = certificate.CopyWithPrivateKey(key);

        // As it would be read from files.
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }

    private string InDirectory(string name) => Path.Combine(_directory, name);

    /// <summary>Answers nothing of its own; every actor says who it is.</summary>
    private sealed class Quiet : UntypedActor
    {
        protected override void OnReceive(object message) => Unhandled(message);
    }
}
