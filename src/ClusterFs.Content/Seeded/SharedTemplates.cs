using ClusterFs.Content.Placing;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Seeded;

/// <summary>What tells, without reading a template, that it is still the same.</summary>
internal readonly record struct TemplateIdentity(ulong Device, ulong Inode, long Size, long ModifiedNs, long ChangedNs)
{
    public static TemplateIdentity Of(FileStatus status) =>
        new(status.Device, status.Inode, status.Size, status.ModifiedNs, status.ChangedNs);
}

/// <summary>The templates on shared storage. Every call may hang with it.</summary>
/// <param name="root">The shared directory: no template is read from outside of it, wherever links lead.</param>
internal sealed class SharedTemplates(string root)
{
    /// <summary>Above any configuration file, and far below what the daemon could not hold.</summary>
    private const int MaxSize = 4 << 20;

    /// <summary>Its presence tells the mounted file system from the bare mount point.</summary>
    private string Marker => Path.Combine(root, "clusterfs");

    /// <summary>A template's identity, as of now. It is opened for that, which makes network file systems ask for what changed elsewhere.</summary>
    /// <exception cref="SeedException">There is none that can be used.</exception>
    public TemplateIdentity Look(string template)
    {
        using var file = Open(template);
        return TemplateIdentity.Of(StatusOf(file, template));
    }

    /// <summary>A template's text, and the identity that it had.</summary>
    /// <exception cref="SeedException">There is none that can be used, or it was being written.</exception>
    public (byte[] Text, TemplateIdentity Identity) Read(string template)
    {
        using var file = Open(template);
        var status = StatusOf(file, template);
        if (status.Size > MaxSize)
        {
            throw new SeedException($"{PathOf(template)}: a template of {status.Size} bytes is too large; expected at most {MaxSize}");
        }

        if (status.Size == 0)
        {
            throw new SeedException(
                $"{PathOf(template)}: the template is empty, and may be about to be written; write what should be in it, or put it in place by a rename");
        }

        var text = new byte[status.Size];
        var read = Reach(template, () =>
        {
            var length = 0;
            int got;
            while (length < text.Length && (got = RandomAccess.Read(file, text.AsSpan(length), length)) > 0)
            {
                length += got;
            }

            return length;
        });
        if (read != text.Length || TemplateIdentity.Of(StatusOf(file, template)) != TemplateIdentity.Of(status))
        {
            throw new SeedException($"{PathOf(template)}: somebody is writing it; it is read again once it stays as it is");
        }

        return (text, TemplateIdentity.Of(status));
    }

    public string PathOf(string template) => Path.Combine(root, template);

    private SafeFileHandle Open(string template) => Reach(template, () =>
    {
        var path = PathOf(template);
        using var top = UnlockedFile.OpenReadAtOnce(root);
        try
        {
            // Opened, because a network file system may else find, for up to a minute, the file that a rename has replaced elsewhere.
            using var above = UnlockedFile.OpenDirectory(Path.GetDirectoryName(path)!);
            using var found = UnlockedFile.Find(path);
            if (!UnlockedFile.RealPath(found).StartsWith(UnlockedFile.RealPath(top).TrimEnd('/') + '/', StringComparison.Ordinal))
            {
                throw new SeedException($"{path}: leads out of {root}; a template, and what a link to it names, has to be inside");
            }

            // Before it is opened: some devices act when they are.
            _ = StatusOf(found, template);
            return UnlockedFile.OpenFoundAtOnce(found);
        }
        catch (FileNotFoundException missing)
        {
            throw Directory.Exists(Marker)
                ? new SeedException($"{path}: there is no such template; what was rendered from it stays", missing)
                : Away($"there is no {Marker}", missing);
        }
        catch (PosixException problem) when (problem.Error is PosixException.AccessDenied or PosixException.Loop or PosixException.NoSuchAddress)
        {
            throw new SeedException($"{path}: the template cannot be read: {problem.Message}", problem);
        }
    });

    private FileStatus StatusOf(SafeFileHandle file, string template)
    {
        var status = Reach(template, () => FileStatus.Read(file));
        return status.Kind == FileKind.File ? status : throw new SeedException($"{PathOf(template)}: is no regular file");
    }

    private T Reach<T>(string template, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw Away($"{PathOf(template)}: {problem.Message.TrimEnd('.')}", problem);
        }
    }

    private SharedAwayException Away(string problem, Exception cause) => new($"shared storage at {root} is away: {problem}", cause);
}
