using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace ClusterFs.Cli.Certificates;

/// <summary>Makes an authority for one cluster and the certificates of its nodes: ECDSA on P-256, in PEM, keys readable by their owner only.</summary>
internal static class CertificateMaker
{
    /// <summary>Clocks of machines differ, and a certificate of the future is refused.</summary>
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromHours(1);

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
        var until = now.AddDays(days);
        using var certificate = request.Create(
            issuer, now - ClockTolerance, until < issuer.NotAfter ? until : issuer.NotAfter, RandomNumberGenerator.GetBytes(16));
        return Write(directory, node, certificate, key);
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

        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        };
        using (var writer = new StreamWriter(keyFile, options))
        {
            writer.WriteLine(key.ExportPkcs8PrivateKeyPem());
        }

        File.WriteAllText(certificateFile, certificate.ExportCertificatePem() + "\n");
        return (certificateFile, keyFile);
    }
}
