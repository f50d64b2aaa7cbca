using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ClusterFs.Configuration;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace ClusterFs.Guard;

/// <summary>
/// How the nodes prove to one another who they are: each shows a certificate that the cluster's own authority signed, and is the nodes that
/// the certificate names. No other authority of the machine is believed. Safe to share between threads.
/// </summary>
public sealed class MutualTls
{
    private readonly X509Certificate2 _authority;
    private readonly Settings _settings;
    private readonly IReadOnlyCollection<string> _nodes;
    private volatile X509Certificate2 _certificate;

    private MutualTls(X509Certificate2 authority, X509Certificate2 certificate, Settings settings)
    {
        _authority = authority;
        _settings = settings;
        _nodes = [.. settings.Cluster.Nodes.Keys];
        _certificate = certificate;
    }

    /// <summary>This node's, with its private key: the newest that was read. Every handshake uses it; connections that are open stay.</summary>
    public X509Certificate2 Certificate => _certificate;

    /// <summary>When <see cref="Certificate"/> ends.</summary>
    public DateTimeOffset Expires => new(_certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero);

    /// <returns>Null where the configuration has no <c>clusterfs.tls</c>.</returns>
    /// <exception cref="ConfigurationException">A file cannot be read, or the certificate is not this node's or not the authority's.</exception>
    public static MutualTls? Load(Settings settings)
    {
        if (settings.Tls is not { } tls)
        {
            return null;
        }

        var authority = Read(settings, "authority", tls.Authority, () => X509CertificateLoader.LoadCertificate(DecodePem(tls.Authority)));
        var certificate = ReadCertificate(settings, tls);
        var loaded = new MutualTls(authority, certificate, settings);
        return loaded.Problem(certificate, [settings.Node.Name]) is { } problem
            ? throw Mistake(settings, "certificate", $"{tls.Certificate} cannot be this node's: {problem}")
            : loaded;
    }

    /// <summary>
    /// Reads this node's certificate again, and uses it from now on if it is another one. Reads files: not for a thread that has deadlines.
    /// </summary>
    /// <returns>Whether it is another one.</returns>
    /// <exception cref="ConfigurationException">It cannot be used; the one before still is.</exception>
    public bool Reload()
    {
        var files = _settings.Tls!;
        var read = ReadCertificate(_settings, files);
        if (Problem(read, [_settings.Node.Name]) is { } problem)
        {
            read.Dispose();
            throw Mistake(_settings, "certificate", $"{files.Certificate} cannot be this node's: {problem}");
        }

        if (read.RawDataMemory.Span.SequenceEqual(_certificate.RawDataMemory.Span))
        {
            read.Dispose();
            return false;
        }

        // The old one is not disposed of: a handshake may be using it.
        _certificate = read;
        return true;
    }

    /// <summary>For a connection to a node: it has to be that one.</summary>
    public SslClientAuthenticationOptions ToPeer(string node) => new()
    {
        TargetHost = node,
        LocalCertificateSelectionCallback = (_, _, _, _, _) => Certificate,
        RemoteCertificateValidationCallback = (_, peer, _, _) => Trusts(peer, [node]),
    };

    /// <summary>For connections from other nodes: any node of the cluster, and nobody else.</summary>
    public void FromPeers(HttpsConnectionAdapterOptions options)
    {
        options.ServerCertificateSelector = (_, _) => Certificate;
        options.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
        options.ClientCertificateValidation = (peer, _, _) => Trusts(peer, _nodes);
        options.HandshakeTimeout = TimeSpan.FromSeconds(5);
    }

    /// <summary>Whether the certificate is one of these nodes'.</summary>
    public bool Trusts(X509Certificate? peer) => Trusts(peer, _nodes);

    private bool Trusts(X509Certificate? peer, IReadOnlyCollection<string> nodes) =>
        peer is X509Certificate2 certificate && Problem(certificate, nodes) is null;

    private string? Problem(X509Certificate2 certificate, IReadOnlyCollection<string> nodes)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        if (!chain.Build(certificate))
        {
            return string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.Trim()));
        }

        return nodes.Any(node => certificate.MatchesHostname(node, allowWildcards: false, allowCommonName: false))
            ? null
            : $"it is not made out to {string.Join(" or ", nodes)}";
    }

    private static X509Certificate2 ReadCertificate(Settings settings, TlsSettings tls) =>
        Read(settings, "certificate", tls.Certificate, () => X509Certificate2.CreateFromPemFile(tls.Certificate, tls.Key));

    private static byte[] DecodePem(string path)
    {
        var text = File.ReadAllText(path);
        return PemEncoding.TryFind(text, out var fields) && text[fields.Label] == "CERTIFICATE"
            ? Convert.FromBase64String(text[fields.Base64Data])
            : throw new CryptographicException("it does not begin with a certificate in PEM");
    }

    private static T Read<T>(Settings settings, string key, string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or FormatException or ArgumentException)
        {
            throw Mistake(settings, key, $"{path} cannot be used: {e.Message}");
        }
    }

    private static ConfigurationException Mistake(Settings settings, string key, string problem) => new([new ConfigurationError(
        settings.File, 0, $"clusterfs.tls.{key}", problem, "expected files made by `clusterfs certificates`, or your own in PEM")]);
}
