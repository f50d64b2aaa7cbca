using System.Text.RegularExpressions;
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

    /// <summary>Whoever writes there can put something else in the place of what is below.</summary>
    Above,
}

/// <param name="Status">Null when there is no such file.</param>
internal sealed record PermissionSeen(string Path, Kept Kept, FileStatus? Status);

/// <summary>Whether only those may read and write what they should.</summary>
internal static partial class PermissionCheck
{
    private const string Name = "permissions";
    private const uint OthersWrite = 0x2;
    private const uint OthersRead = 0x4;
    private const uint GroupRead = 0x20;
    private const uint GroupWrite = 0x10;

    /// <summary>Nobody takes away there what is not theirs.</summary>
    private const uint Sticky = 0x200;

    public static Check Create(Settings settings, IReadOnlyCollection<string> files) => new(
        Name, "a file of the configuration does not answer", "is the file system there that it lies on?", () =>
        {
            var findings = JudgeAll(settings, files).ToList();
            return findings.Count > 0 ? findings : [Finding.Ok(Name, "keys, configuration, state and sockets are closed to others, and root's or this user's")];
        });

    /// <param name="user">Whom this command runs as.</param>
    /// <param name="daemon">Whom the daemon runs as: whose its state directory is.</param>
    public static IEnumerable<Finding> Judge(PermissionSeen seen, uint user, uint? daemon = null)
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

        if (seen.Kept != Kept.Key && (status.Mode & OthersWrite) != 0 && !(seen.Kept == Kept.Above && (status.Mode & Sticky) != 0))
        {
            yield return Finding.Failure(Name, $"{seen.Path} has mode {mode}", "every user of this machine can have root do what they like", $"chmod o-w {seen.Path}");
        }
        else if (seen.Kept is Kept.Configuration or Kept.SecretConfiguration or Kept.Directory && (status.Mode & GroupWrite) != 0 && status.Group != 0)
        {
            yield return Finding.Warning(Name, $"{seen.Path} has mode {mode}", $"the group {status.Group} can have root do what it likes", $"chmod g-w {seen.Path}");
        }

        if (seen.Kept is Kept.Key or Kept.Configuration or Kept.SecretConfiguration && status.User != 0 && status.User != user && status.User != daemon)
        {
            yield return Finding.Warning(
                Name, $"{seen.Path} belongs to user {status.User}", seen.Kept == Kept.Key ? "that user can read and replace it" : "that user can have root do what they like", $"chown root {seen.Path}");
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
            yield return (file, Kept.Configuration);
        }

        yield return (settings.Node.StateDirectory, Kept.Directory);
        yield return (Path.GetDirectoryName(settings.Node.Socket)!, Kept.Directory);
    }

    private static IEnumerable<Finding> JudgeAll(Settings settings, IReadOnlyCollection<string> files)
    {
        var (user, daemon) = (Accounts.Current, OwnerOf(settings.Node.StateDirectory));
        var above = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (path, kept) in Places(settings, files))
        {
            var found = new List<Finding>();
            try
            {
                var (real, status) = Resolve(path);
                found.AddRange(Judge(new PermissionSeen(real, status is null || kept != Kept.Configuration || !MayHoldPassword(real) ? kept : Kept.SecretConfiguration, status), user, daemon));
                above.UnionWith(Above(path));
                above.UnionWith(Above(real));
            }
            catch (Exception e) when (Check.IsDenied(e))
            {
                found.Add(Check.NotAllowed(Name, e.Message));
            }

            foreach (var finding in found)
            {
                yield return finding;
            }
        }

        foreach (var directory in above)
        {
            foreach (var finding in Judge(new PermissionSeen(directory, Kept.Above, FileStatus.TryRead(directory)), user))
            {
                yield return finding;
            }
        }
    }

    /// <summary>Of what a link leads to: its own mode says nothing.</summary>
    private static (string Path, FileStatus? Status) Resolve(string path)
    {
        if (FileStatus.TryRead(path) is not { Kind: FileKind.SymbolicLink } link)
        {
            return (path, FileStatus.TryRead(path));
        }

        return File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName is { } real ? (real, FileStatus.TryRead(real)) : (path, link);
    }

    /// <summary>The directories on the way to it, without links.</summary>
    private static IEnumerable<string> Above(string path)
    {
        if (Path.GetDirectoryName(path) is not { } parent || !Directory.Exists(parent))
        {
            yield break;
        }

        for (string? directory = MountPoints.RealPathOf(parent); directory is not null; directory = Path.GetDirectoryName(directory))
        {
            yield return directory;
        }
    }

    private static uint? OwnerOf(string directory)
    {
        try
        {
            return Resolve(directory).Status?.User;
        }
        catch (Exception e) when (Check.IsDenied(e))
        {
            return null;
        }
    }

    private static bool MayHoldPassword(string file) => File.ReadLines(file).Any(line => Password().IsMatch(line));

    [GeneratedRegex(@"(password|passphrase|pwd)\s*[=:]", RegexOptions.IgnoreCase)]
    private static partial Regex Password();
}
