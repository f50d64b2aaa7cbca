using System.Security.Cryptography;
using System.Text;
using ClusterFs.Configuration;
using ClusterFs.Posix;
using Microsoft.Net.Http.Headers;

namespace ClusterFs.Node.Page;

/// <summary>Whether who asks may act.</summary>
internal enum Permission
{
    Granted,

    /// <summary>No token, or another one.</summary>
    Denied,

    /// <summary>Too many wrong ones came from there: this one was not looked at.</summary>
    KeptOut,

    /// <summary>There is none to be given: none is configured, or its file cannot be used.</summary>
    Off,
}

/// <summary>The secret that lets people act from the status page. Read anew each time, so that it can be changed and taken away. Thread-safe.</summary>
internal sealed class PageToken(HttpSettings settings)
{
    public const int Least = 20;
    public const int Most = 500;

    private const string Scheme = "Bearer ";
    private const uint OthersMode = 0x7;

    /// <param name="why">What an administrator has to know when it is off; null otherwise. Never the token.</param>
    public Permission Judge(HttpRequest request, out string? why)
    {
        why = null;
        if (settings.TokenFile is not { } file)
        {
            why = "no clusterfs.http.token-file is configured";
            return Permission.Off;
        }

        if (request.Headers[HeaderNames.Authorization] is not [{ Length: > 0 and < Most + 20 } header] || !header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return Permission.Denied;
        }

        try
        {
            if (ReadSecret(file, out why) is not { } secret)
            {
                return Permission.Off;
            }

            return AreSame(header[Scheme.Length..].Trim(), secret) ? Permission.Granted : Permission.Denied;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            why = $"{file} cannot be read";
            return Permission.Off;
        }
    }

    /// <summary>Takes the same time whatever differs, and however long they are.</summary>
    internal static bool AreSame(string given, string secret) => CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(given)), SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    private static string? ReadSecret(string file, out string? why)
    {
        why = null;

        // A pipe or a device must not hold up who asks.
        using var open = PlainFile.OpenReadAtOnce(File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file);
        var status = FileStatus.Read(open);
        if (status.Kind != FileKind.File)
        {
            why = $"{file} is no file";
            return null;
        }

        if ((status.Mode & OthersMode) != 0)
        {
            why = $"{file} is open to every user of this machine: chmod 600 {file}";
            return null;
        }

        // One more than allowed, to tell.
        var bytes = new byte[Most + 2];
        var length = RandomAccess.Read(open, bytes, 0);
        var secret = Encoding.UTF8.GetString(bytes, 0, length).Trim();
        if (secret.Length is < Least or > Most || secret.Any(character => character is <= ' ' or > '~'))
        {
            why = $"{file} has to hold {Least} to {Most} letters, digits and punctuation, on one line";
            return null;
        }

        return secret;
    }
}
