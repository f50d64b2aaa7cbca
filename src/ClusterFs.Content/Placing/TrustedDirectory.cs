using ClusterFs.Posix;

namespace ClusterFs.Content.Placing;

/// <summary>
/// Whether only root and the daemon's user can change what a path leads to. Whoever else may write to a directory on the way could, at any moment, put
/// a link where a file was: root would read another file for them, and write in another directory. There is no way to look first and be sure later, so
/// nothing is done in such a place.
/// </summary>
internal static class TrustedDirectory
{
    private const uint OthersWrite = 0x12;
    private const uint Sticky = 0x200;
    private const int MostLinks = 40;

    /// <summary>Looks at the directory of a file, and at every one that is passed on the way to it, links included.</summary>
    /// <exception cref="PlacingException">Somebody else may write to one of them: it says which.</exception>
    public static void RequireFor(string file)
    {
        var left = new Stack<string>(Parts(Path.GetDirectoryName(file)!));
        var (current, links) = ("/", 0);
        Require(file, current, isLast: left.Count == 0);
        while (left.TryPop(out var part))
        {
            if (part == "..")
            {
                current = Path.GetDirectoryName(current) ?? "/";
                Require(file, current, isLast: left.Count == 0);
                continue;
            }

            var next = Path.Combine(current, part);
            switch (FileStatus.TryRead(next)?.Kind)
            {
                case FileKind.Directory:
                    current = next;
                    Require(file, current, isLast: left.Count == 0);
                    break;
                case FileKind.SymbolicLink when new FileInfo(next).LinkTarget is { } target && ++links <= MostLinks:
                    current = target.StartsWith('/') ? "/" : current;
                    foreach (var one in Parts(target))
                    {
                        left.Push(one);
                    }

                    break;
                default:
                    // There is no such directory: said by whoever wants to write there.
                    return;
            }
        }
    }

    /// <returns>Last first.</returns>
    private static IEnumerable<string> Parts(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(part => part != ".").Reverse();

    private static void Require(string file, string directory, bool isLast)
    {
        if (FileStatus.TryRead(directory) is not { } status)
        {
            return;
        }

        var (daemon, root) = (Accounts.Current, 0u);
        if (status.User != root && status.User != daemon)
        {
            throw new PlacingException(
                $"{file}: {directory} belongs to user {status.User}, who could have the daemon read and write elsewhere; give it to root (chown root {directory})");
        }

        // In a directory like /tmp, nobody can take away what belongs to others; but anybody can make what is not there yet.
        if ((status.Mode & OthersWrite) != 0 && (isLast || (status.Mode & Sticky) == 0))
        {
            throw new PlacingException(
                $"{file}: others may write to {directory}, and could have the daemon read and write elsewhere; take that away (chmod go-w {directory})");
        }
    }
}
