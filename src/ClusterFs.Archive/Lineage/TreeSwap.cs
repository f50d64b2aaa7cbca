using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

/// <summary>
/// Puts a staged tree in the place of the live one. Before it starts, the marker names the inode of the staged directory; so after a crash
/// the inode at the live path tells whether the exchange took place.
/// </summary>
internal static class TreeSwap
{
    public static void Exchange(MarkerDirectory directory, string live, string name, Action<string> atPoint)
    {
        var staged = Path.Combine(directory.Staging, name);
        var previous = Path.Combine(directory.Previous, name);
        if (!Directory.Exists(live))
        {
            Directory.Move(staged, live);
        }
        else if (Durable.TryExchange(staged, live))
        {
            atPoint("exchanged");
            Directory.Move(staged, previous);
        }
        else
        {
            Directory.Move(live, previous);
            atPoint("moved away");
            Directory.Move(staged, live);
        }

        Durable.SyncDirectory(Path.GetDirectoryName(live)!);
        Durable.SyncDirectory(directory.Staging);
        Durable.SyncDirectory(directory.Previous);
    }

    /// <summary>Puts in order what a crash left of an exchange. Afterwards the live path names the old or the new tree, whole.</summary>
    /// <returns>Whether it is the new one.</returns>
    public static bool Recover(MarkerDirectory directory, string live, PendingSwap swap)
    {
        if (FileStatus.TryRead(live) is { } status)
        {
            Durable.SyncDirectory(Path.GetDirectoryName(live)!);
            return status.Inode == swap.Inode;
        }

        var previous = Path.Combine(directory.Previous, swap.Name);
        if (Directory.Exists(previous))
        {
            Directory.Move(previous, live);
            Durable.SyncDirectory(Path.GetDirectoryName(live)!);
        }

        return false;
    }
}
