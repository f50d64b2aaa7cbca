using ClusterFs.Posix;

namespace ClusterFs.Content.Logs.Links;

/// <summary>Who may use a directory.</summary>
internal readonly record struct DirectoryOwner(uint User, uint Group, uint Mode)
{
    /// <summary>As a directory is where nobody says otherwise.</summary>
    public static DirectoryOwner OfThisProcess => new(Processes.EffectiveUser, Processes.EffectiveGroup, 0x1ED);

    /// <summary>Null when there is no directory of this name.</summary>
    public static DirectoryOwner? Of(string directory) =>
        FileStatus.TryRead(directory) is { Kind: FileKind.Directory } status ? new DirectoryOwner(status.User, status.Group, status.Mode) : null;

    /// <summary>Makes a directory that has this owner from its first moment on; one that is there is given it.</summary>
    /// <exception cref="PosixException">It cannot be made, or not be given away.</exception>
    public void Make(string directory)
    {
        if (Of(directory) is { } there)
        {
            if (there != this)
            {
                Apply(directory);
            }

            return;
        }

        var parent = Path.GetDirectoryName(directory)!;
        var unfinished = Path.Combine(parent, $".{Path.GetFileName(directory)}.new");
        _ = Durable.TryMakeDirectory(unfinished);
        Apply(unfinished);
        _ = Durable.TryRenameToFree(unfinished, directory);
        Durable.SyncDirectory(parent);
    }

    private void Apply(string directory)
    {
        // Its parent may belong to somebody who puts a link in its place.
        using var open = OpenDirectory.TryOpen(directory) ?? throw new IOException($"{directory} is no directory any more");
        FileAttribution.SetOwner(open.Handle, User, Group);
        FileAttribution.SetMode(open.Handle, Mode);
    }
}
