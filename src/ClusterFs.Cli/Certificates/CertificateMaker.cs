using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ClusterFs.Cli.Certificates;

/// <summary>Makes an authority for one cluster and the certificates of its nodes: ECDSA on P-256, in PEM, keys readable by their owner only.</summary>
internal static class CertificateMaker
{
    /// <summary>Clocks of machines differ, and a certificate of the future is refused.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromHours(1);

    private const UnixFileMode KeyMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>What a renewed certificate takes over: alternative names, basic constraints, key usage, extended key usage.</summary>
    private static readonly string[] Renewed = ["2.5.29.17", "2.5.29.19", "2.5.29.15", "2.5.29.37"];

    /// <summary>Writes <c>authority.pem</c> and <c>authority.key</c>.</summary>
    /// <exception cref="CommandException">One of them is there already.</exception>
    public static (string Certificate, string Key) MakeAuthority(string directory, string cluster, int days, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=ClusterFs authority of {cluster}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var certificate = request.CreateSelfSigned(now - ClockTolerance, now.AddDays(days));
        return Write(directory, "authority", certificate, key);
    }

    /// <summary>Writes <c>NODE.pem</c> and <c>NODE.key</c>, signed by the authority in another directory.</summary>
    /// <exception cref="CommandException">One of them is there already, or the authority cannot be used.</exception>
    public static (string Certificate, string Key) MakeNode(string directory, string authority, string node, IPAddress? address, int days, DateTimeOffset now)
    {
        using var issuer = LoadAuthority(authority);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={node}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(node);
        if (address is not null)
        {
            names.AddIpAddress(address);
        }

        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        using var certificate = Sign(request, issuer, days, now);
        return Write(directory, node, certificate, key);
    }

    /// <summary>
    /// Replaces <c>NODE.pem</c> by a certificate for the same names that is good for longer, in one step; whoever reads it meanwhile reads
    /// the old one or the new one. The key stays, or a new one is put in its place first.
    /// </summary>
    /// <exception cref="CommandException">The files, or the authority, cannot be used; or they do not belong together.</exception>
    public static (string Certificate, string Key, DateTimeOffset Until) Renew(
        string directory, string authority, string node, bool newKey, int days, DateTimeOffset now)
    {
        using var issuer = LoadAuthority(authority);
        var (certificateFile, keyFile) = (Path.Combine(directory, $"{node}.pem"), Path.Combine(directory, $"{node}.key"));
        using var old = LoadNode(certificateFile, keyFile);
        if (!old.IssuerName.RawData.AsSpan().SequenceEqual(issuer.SubjectName.RawData))
        {
            throw new CommandException(
                ExitCodes.Refused, $"{certificateFile} was signed by {old.Issuer}, not by the authority in {authority}", "");
        }

        using var key = newKey ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : old.GetECDsaPrivateKey() ?? throw new CommandException(
            ExitCodes.Refused, $"the key in {keyFile} is none that `clusterfs certificates` makes", "renew it where it was made, or use --new-key");
        var request = new CertificateRequest(old.SubjectName, key, HashAlgorithmName.SHA256);
        foreach (var extension in old.Extensions.Where(extension => Renewed.Contains(extension.Oid?.Value)))
        {
            request.CertificateExtensions.Add(extension);
        }

        using var certificate = Sign(request, issuer, days, now);
        if (newKey)
        {
            Replace(keyFile, KeyText(key), KeyMode);
        }

        Replace(certificateFile, CertificateText(certificate), File.GetUnixFileMode(certificateFile));
        return (certificateFile, keyFile, certificate.NotAfter.ToUniversalTime());
    }

    private static X509Certificate2 Sign(CertificateRequest request, X509Certificate2 issuer, int days, DateTimeOffset now)
    {
        var until = now.AddDays(days);
        return request.Create(
            issuer, now - ClockTolerance, until < issuer.NotAfter ? until : issuer.NotAfter, RandomNumberGenerator.GetBytes(16));
    }

    private static X509Certificate2 LoadNode(string certificate, string key)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new CommandException(
                ExitCodes.Failed, $"{certificate} and {key} cannot be used: {e.Message}", "make them with `clusterfs certificates node`");
        }
    }

    private static void Replace(string file, string text, UnixFileMode mode)
    {
        var next = $"{file}.new";
        File.Delete(next);
        Create(next, text, mode);
        File.Move(next, file, overwrite: true);
    }

    private static X509Certificate2 LoadAuthority(string directory)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(Path.Combine(directory, "authority.pem"), Path.Combine(directory, "authority.key"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new CommandException(
                ExitCodes.Failed, $"the authority in {directory} cannot be used: {e.Message}", "make one with `clusterfs certificates authority`");
        }
    }

    private static (string Certificate, string Key) Write(string directory, string name, X509Certificate2 certificate, ECDsa key)
    {
        Directory.CreateDirectory(directory);
        var (certificateFile, keyFile) = (Path.Combine(directory, $"{name}.pem"), Path.Combine(directory, $"{name}.key"));
        foreach (var file in new[] { certificateFile, keyFile })
        {
            if (File.Exists(file))
            {
                throw new CommandException(ExitCodes.Refused, $"{file} is there already", "move it away first; nothing is overwritten");
            }
        }

        Create(keyFile, KeyText(key), KeyMode);
        File.WriteAllText(certificateFile, CertificateText(certificate));
        return (certificateFile, keyFile);
    }

    private static string KeyText(ECDsa key) => key.ExportPkcs8PrivateKeyPem() + "\n";

    private static string CertificateText(X509Certificate2 certificate) => certificate.ExportCertificatePem() + "\n";

    private static void Create(string file, string text, UnixFileMode mode)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode };
        using var writer = new StreamWriter(file, options);
        writer.Write(text);
    }
}
