using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// A generation's directory of this node, and those below it, held open while something is done in them. What another user owns or may write to is not gone
/// into, nor is a link: he could have the file of another served, or written, between a look at it and its use. Not safe for use by several threads.
/// </summary>
internal sealed class OwnedTree(string root, uint owner) : IDisposable
{
    private const uint OthersMayWrite = 0x12;

    private (string Name, OpenDirectory? Directory)? _reached;

    /// <summary>A directory below it, good until the next call; null where there is none of its own.</summary>
    /// <param name="name">Relative; empty for the root.</param>
    public OpenDirectory? Reach(string name)
    {
        if (_reached is not { } reached || reached.Name != name)
        {
            _reached?.Directory?.Dispose();
            _reached = null;
            _reached = (name, Open(name));
        }

        return _reached.Value.Directory;
    }

    /// <summary>What has a path below it, and when it was read last; a link is not followed.</summary>
    public (FileStatus Status, long AccessedNs)? Find(string path) =>
        Reach(Path.GetDirectoryName(path)!) is { } directory ? FileStatus.TryReadWithUse(directory, Path.GetFileName(path)) : null;

    public void Dispose()
    {
        _reached?.Directory?.Dispose();
        _reached = null;
    }

    private OpenDirectory? Open(string name)
    {
        var directory = OpenDirectory.TryOpen(root);
        foreach (var part in name.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            using var above = directory;
            directory = IsOwned(above) ? above!.TryOpenBelow(part) : null;
        }

        if (IsOwned(directory))
        {
            return directory;
        }

        directory?.Dispose();
        return null;
    }

    private bool IsOwned(OpenDirectory? directory) => directory?.Status is { } status && status.User == owner && (status.Mode & OthersMayWrite) == 0;
}
