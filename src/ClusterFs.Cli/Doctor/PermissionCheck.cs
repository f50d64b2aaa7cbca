using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Cli.Doctor;

/// <summary>What a file or directory is for, as far as it matters who may touch it.</summary>
internal enum Kept
{
    /// <summary>A private key, the keys of the archive, or the status page's token.</summary>
    Key,

    /// <summary>Names programs that root starts.</summary>
    Configuration,

    /// <summary>Also holds a password.</summary>
    SecretConfiguration,

    /// <summary>What guard and daemon trust because only they write there.</summary>
    Directory,
}

/// <param name="Status">Null when there is no such file.</param>
internal sealed record PermissionSeen(string Path, Kept Kept, FileStatus? Status);

/// <summary>Whether only those may read and write what they should.</summary>
internal static class PermissionCheck
{
    private const string Name = "permissions";
    private const uint OthersWrite = 0x2;
    private const uint OthersRead = 0x4;
    private const uint GroupRead = 0x20;
    private const uint GroupWrite = 0x10;

    public static Check Create(Settings settings, IReadOnlyCollection<string> files) => new(
        Name, "a file of the configuration does not answer", "is the file system there that it lies on?", () =>
        {
            var user = Accounts.Current;
            var findings = Places(settings, files).Select(Look).SelectMany(seen => Judge(seen, user)).ToList();
            return findings.Count > 0 ? findings : [Finding.Ok(Name, "keys, configuration, state and sockets are closed to others")];
        });

    /// <param name="user">Whom this command runs as.</param>
    public static IEnumerable<Finding> Judge(PermissionSeen seen, uint user)
    {
        if (seen.Status is not { } status)
        {
            if (seen.Kept == Kept.Key)
            {
                yield return Finding.Failure(Name, $"{seen.Path}: there is no such file", "what needs it refuses to work", "put it there, or name the right one in the configuration");
            }

            yield break;
        }

        var mode = Convert.ToString(status.Mode, 8).PadLeft(4, '0');
        if (seen.Kept == Kept.Key && (status.Mode & (OthersRead | OthersWrite)) != 0)
        {
            yield return Finding.Failure(Name, $"{seen.Path} has mode {mode}", "every user of this machine can do what it is to keep from them", $"chmod 600 {seen.Path}, and make a new key if strangers use this machine");
        }
        else if (seen.Kept == Kept.Key && (status.Mode & (GroupRead | GroupWrite)) != 0)
        {
            yield return Finding.Warning(Name, $"{seen.Path} has mode {mode}", $"the group {status.Group} can read it too", $"chmod 600 {seen.Path}");
        }
        else if (seen.Kept == Kept.SecretConfiguration && (status.Mode & OthersRead) != 0)
        {
            yield return Finding.Warning(
                Name, $"{seen.Path} has mode {mode}, and holds the database's password", "every user of this machine can read it", $"chmod o= {seen.Path}; chgrp clusterfs {seen.Path} for those who use this command");
        }

        if (seen.Kept != Kept.Key && (status.Mode & OthersWrite) != 0)
        {
            yield return Finding.Failure(Name, $"{seen.Path} has mode {mode}", "every user of this machine can have root do what they like", $"chmod o-w {seen.Path}");
        }

        if (seen.Kept == Kept.Directory && status.User != user)
        {
            yield return Finding.Warning(
                Name, $"{seen.Path} belongs to user {status.User}, and this is user {user}", "what was looked at here may be different for guard and daemon", "run doctor as the user that they run as");
        }
    }

    private static IEnumerable<(string Path, Kept Kept)> Places(Settings settings, IEnumerable<string> files)
    {
        if (settings.Tls is { } tls)
        {
            yield return (tls.Key, Kept.Key);
        }

        if (settings.Shared.KeyFile is { } keys)
        {
            yield return (keys, Kept.Key);
        }

        if (settings.Http.TokenFile is { } token)
        {
            yield return (token, Kept.Key);
        }

        foreach (var file in files)
        {
            yield return (file, MayHoldPassword(file) ? Kept.SecretConfiguration : Kept.Configuration);
        }

        yield return (settings.Node.StateDirectory, Kept.Directory);
        yield return (Path.GetDirectoryName(settings.Node.Socket)!, Kept.Directory);
    }

    private static bool MayHoldPassword(string file) =>
        File.Exists(file) && File.ReadLines(file).Any(line => line.Contains("password=", StringComparison.OrdinalIgnoreCase));

    private static PermissionSeen Look((string Path, Kept Kept) place) => new(place.Path, place.Kept, FileStatus.TryRead(place.Path));
}
