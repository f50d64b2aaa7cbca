using System.Collections.Immutable;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using ClusterFs.Cli.Certificates;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Lease.Voter;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClusterFs.Cli.Tests;

/// <summary>Guards with the certificates that `clusterfs certificates` makes, over real connections.</summary>
public sealed class MutualTlsTests : IDisposable
{
    private const int Port = 4954;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-tls-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Only_a_node_with_a_certificate_of_the_authority_is_answered()
    {
        var n1 = Tls("n1", "ours");
        await using var guard = await GuardHost.StartAsync(Guard("n1", n1), NullLoggerFactory.Instance);

        Assert.True((await AskUntilAnsweredAsync(Tls("n2", "ours"))).Abstains);
        await Assert.ThrowsAsync<VoterUnreachableException>(() => AskAsync(Tls("n2", "theirs")));
        await Assert.ThrowsAsync<VoterUnreachableException>(() => AskAsync(Tls("stranger", "ours", asNode: "stranger")));
        await Assert.ThrowsAsync<VoterUnreachableException>(() => AskAsync(null));
    }

    [Fact]
    public async Task A_certificate_that_has_ended_is_no_certificate()
    {
        CertificateMaker.MakeAuthority(PlaceOf("ours"), "test", 10, TimeProvider.System.GetUtcNow().AddDays(-5));
        await using var guard = await GuardHost.StartAsync(Guard("n1", Tls("n1", "ours")), NullLoggerFactory.Instance);
        var n2 = Tls("n2", "ours");
        CertificateMaker.Renew(PlaceOf("ours"), PlaceOf("ours"), "n2", newKey: false, days: 1, TimeProvider.System.GetUtcNow().AddDays(-2));
        Assert.Throws<ConfigurationException>(() => n2.Reload());
        var ended = Assert.Throws<ConfigurationException>(() => Tls("n2", "ours"));
        Assert.Contains("clusterfs.tls.certificate", ended.Message, StringComparison.Ordinal);

        // Not its own guard, but the other side refuses it.
        using var certificate = X509Certificate2.CreateFromPemFile(
            Path.Combine(PlaceOf("ours"), "n2.pem"), Path.Combine(PlaceOf("ours"), "n2.key"));
        Assert.False(n2.Trusts(certificate));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_guard_uses_a_renewed_certificate_without_a_restart(bool newKey)
    {
        var n1 = Tls("n1", "ours");
        var before = n1.Certificate.SerialNumber;
        var key = File.ReadAllText(Path.Combine(PlaceOf("ours"), "n1.key"));
        await using var guard = await GuardHost.StartAsync(Guard("n1", n1), NullLoggerFactory.Instance);
        Assert.Equal(before, await ShownSerialAsync());
        Assert.True((await AskUntilAnsweredAsync(Tls("n2", "ours"))).Abstains);

        CertificateMaker.Renew(PlaceOf("ours"), PlaceOf("ours"), "n1", newKey, days: 1, TimeProvider.System.GetUtcNow());
        Assert.Equal(newKey, key != File.ReadAllText(Path.Combine(PlaceOf("ours"), "n1.key")));
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var shown = before;
        while (shown == before)
        {
            limit.Token.ThrowIfCancellationRequested();
            shown = await ShownSerialAsync();
        }

        using var renewed = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(PlaceOf("ours"), "n1.pem"));
        Assert.Equal(renewed.SerialNumber, shown);
        Assert.True(renewed.MatchesHostname("n1", allowWildcards: false, allowCommonName: false));
        Assert.True((await AskAsync(Tls("n2", "ours"))).Abstains);
    }

    [Fact]
    public void A_certificate_of_another_authority_is_not_renewed()
    {
        Tls("n1", "ours");
        CertificateMaker.MakeAuthority(PlaceOf("theirs"), "other", 1, TimeProvider.System.GetUtcNow());
        var refused = Assert.Throws<CommandException>(() => CertificateMaker.Renew(
            PlaceOf("ours"), PlaceOf("theirs"), "n1", newKey: false, days: 1, TimeProvider.System.GetUtcNow()));
        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
    }

    [Fact]
    public async Task Another_node_that_answers_at_a_node_s_address_is_not_believed()
    {
        await using var guard = await GuardHost.StartAsync(Guard("n1", Tls("n3", "ours", asNode: "n3")), NullLoggerFactory.Instance);
        await Assert.ThrowsAsync<VoterUnreachableException>(() => AskAsync(Tls("n2", "ours")));
    }

    [Fact]
    public void A_certificate_that_is_not_this_node_s_is_a_mistake_in_the_configuration()
    {
        var mistake = Assert.Throws<ConfigurationException>(() => Tls("n1", "ours", asNode: "n2"));
        Assert.Contains("it is not made out to n2", mistake.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_overwritten()
    {
        CertificateMaker.MakeAuthority(_directory, "test", 1, TimeProvider.System.GetUtcNow());
        var refused = Assert.Throws<CommandException>(() => CertificateMaker.MakeAuthority(_directory, "test", 1, TimeProvider.System.GetUtcNow()));
        Assert.Equal(ExitCodes.Refused, refused.ExitCode);
    }

    [Fact]
    public void A_key_is_for_its_owner_only()
    {
        var (_, key) = CertificateMaker.MakeAuthority(_directory, "test", 1, TimeProvider.System.GetUtcNow());
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
    }

    private static async Task<ProbeReply> AskAsync(MutualTls? tls)
    {
        using var client = new VoterClient(new Dictionary<string, string> { ["n1"] = "127.0.20.1" }, Port, tls);
        return await client.ProbeAsync("n1", new Probe("wiki", Guid.NewGuid()), Patience, CancellationToken.None);
    }

    /// <summary>The first connection of a process takes a while, and a guard waits for one for a second. Who is refused is never answered.</summary>
    private static async Task<ProbeReply> AskUntilAnsweredAsync(MutualTls? tls)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            try
            {
                return await AskAsync(tls);
            }
            catch (VoterUnreachableException) when (!limit.IsCancellationRequested)
            {
            }
        }
    }

    /// <summary>The serial number of the certificate that the guard of n1 shows to a new connection.</summary>
    private async Task<string> ShownSerialAsync()
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.20.1", Port);
        X509Certificate2? shown = null;
        using var tls = new SslStream(socket.GetStream());
        var n2 = Tls("n2", "ours");
        var options = n2.ToPeer("n1");
        options.RemoteCertificateValidationCallback = (_, peer, _, _) =>
        {
            shown = X509CertificateLoader.LoadCertificate(peer!.GetRawCertData());
            return n2.Trusts(shown);
        };
        await tls.AuthenticateAsClientAsync(options).WaitAsync(Patience);
        return shown!.SerialNumber;
    }

    private string PlaceOf(string authority) => Path.Combine(_directory, authority);

    private MutualTls Tls(string node, string authority, string? asNode = null)
    {
        var place = Path.Combine(_directory, authority);
        if (!Directory.Exists(place))
        {
            CertificateMaker.MakeAuthority(place, "test", 1, TimeProvider.System.GetUtcNow());
        }

        if (!File.Exists(Path.Combine(place, $"{node}.pem")))
        {
            CertificateMaker.MakeNode(place, place, node, null, 1, TimeProvider.System.GetUtcNow());
        }

        return MutualTls.Load(SettingsOf(
            asNode ?? node,
            new TlsSettings(Path.Combine(place, "authority.pem"), Path.Combine(place, $"{node}.pem"), Path.Combine(place, $"{node}.key"))))!;
    }

    private GuardSettings Guard(string node, MutualTls tls)
    {
        var state = Path.Combine(_directory, $"state-{Guid.NewGuid():N}");
        return new GuardSettings(
            "test", node, "127.0.20.1", Port, Path.Combine(_directory, "guard.sock"), state, TimeSpan.FromSeconds(5),
            ImmutableSortedDictionary<string, string>.Empty.Add("n1", "127.0.20.1"),
            ImmutableSortedDictionary<string, GuardedService>.Empty)
        {
            Tls = tls,
        };
    }

    private Settings SettingsOf(string node, TlsSettings tls) => new(
        new NodeSettings(node, "127.0.20.1", _directory, Path.Combine(_directory, "clusterfs.sock")),
        new ClusterSettings(
            "test", 4953, Port, 4980,
            ImmutableSortedDictionary<string, string>.Empty.Add("n1", "127.0.20.1").Add("n2", "127.0.20.2").Add("n3", "127.0.20.3"),
            ["n1"]),
        new JournalSettings(JournalProvider.Sqlite, "Data Source=/dev/null"),
        new SharedSettings(_directory),
        new LeaseSettings(TimeSpan.FromSeconds(5), TimeSpan.FromMilliseconds(1500)),
        tls,
        ImmutableSortedDictionary<string, ServiceSettings>.Empty);
}
