using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using ClusterFs.Cli.Display;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>Whether this node can prove to the others who it is, and for how long.</summary>
internal static class CertificateCheck
{
    private const string Name = "certificate";

    private static readonly TimeSpan Soon = TimeSpan.FromDays(30);

    public static Check Create(Settings settings, TimeProvider time) => new(
        Name, "nodes talk to one another with it", "is the file system there that it lies on?", () => Look(settings, time.GetUtcNow()));

    /// <param name="whose">Certificate of what: a path, or a node.</param>
    /// <param name="renewal">How a new one is made.</param>
    public static Finding JudgeEnd(string name, string whose, DateTimeOffset ends, DateTimeOffset now, string renewal) =>
        ends < now ? Finding.Failure(name, $"{whose} ended on {Humane.Time(ends)}", "no other node believes it any more", renewal)
        : ends - now < Soon ? Finding.Warning(name, $"{whose} ends on {Humane.Time(ends)}", $"in {(ends - now).TotalDays:0} days no other node believes it any more", renewal)
        : Finding.Ok(name, $"{whose} is good until {Humane.Time(ends)}");

    public static string RenewalOf(string node) => $"clusterfs certificates renew {node} --authority DIR --out DIR, where the authority's key is; then put {node}.pem in its place";

    private static IEnumerable<Finding> Look(Settings settings, DateTimeOffset now)
    {
        if (settings.Tls is not { } tls)
        {
            yield return Finding.Ok(Name, "no clusterfs.tls is configured", "all nodes are on this machine, and talk in clear text");
            yield break;
        }

        var own = End(tls.Certificate);
        if (own is { } ends)
        {
            yield return JudgeEnd(Name, tls.Certificate, ends, now, RenewalOf(settings.Node.Name));
        }

        if (End(tls.Authority) is { } last)
        {
            yield return JudgeEnd(Name, tls.Authority, last, now, "make a new authority and new certificates for all nodes: clusterfs certificates authority --help");
        }

        if (WhyNotReadable(tls.Key) is { } denied)
        {
            yield return Check.NotAllowed(Name, denied);
            yield break;
        }

        // One that ended is not to be used either, and that was said.
        if (!(own < now) && ProblemOf(settings) is { } problem)
        {
            yield return Finding.Failure(
                Name, problem, "neither guard nor daemon starts with it", "files made by 'clusterfs certificates', or your own in PEM, of one authority for all nodes");
        }
    }

    /// <returns>Null also where whoever uses it says what is wrong with it.</returns>
    private static string? WhyNotReadable(string key)
    {
        try
        {
            using var file = File.OpenHandle(key);
            return null;
        }
        catch (UnauthorizedAccessException e) when (!Processes.IsRoot)
        {
            return e.Message;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static DateTimeOffset? End(string path)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(path);
            return new DateTimeOffset(certificate.NotAfter.ToUniversalTime(), TimeSpan.Zero);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            // Whoever uses it says what is wrong with it.
            return null;
        }
    }

    private static string? ProblemOf(Settings settings)
    {
        try
        {
            _ = MutualTls.Load(settings);
            return null;
        }
        catch (ConfigurationException e)
        {
            return string.Join("; ", e.Errors.Select(error => error.Problem));
        }
    }
}
