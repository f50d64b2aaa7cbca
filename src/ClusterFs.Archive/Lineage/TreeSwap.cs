using ClusterFs.Archive.Restore;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

/// <summary>
/// Puts a staged tree in the place of the live one. Before it starts, the marker names the inode of the staged directory; so after a crash
/// the inode at the live path tells whether the exchange took place.
/// </summary>
internal static class TreeSwap
{
    /// <summary>Where the journal of a staged tree lies.</summary>
    public static string JournalOf(string staged) => $"{staged}.redo";

    public static void Exchange(MarkerDirectory directory, string live, PendingSwap swap, Action<string> atPoint)
    {
        var staged = Path.Combine(directory.Staging, swap.Name);
        var previous = Path.Combine(directory.Previous, swap.Name);
        if (swap.Redo is not null)
        {
            // From here on the exchange goes on, and nobody finds at the live path what is neither old nor new.
            Directory.Move(live, TakenOf(directory, swap));
            atPoint("taken");
            if (!TryGoOn(directory, live, swap, atPoint))
            {
                throw new LocalContentException($"{JournalOf(staged)} is not what was written. Check the disk, and restore again.");
            }
        }
        else if (!Directory.Exists(live))
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

    /// <summary>
    /// Puts in order what a crash left of an exchange. Afterwards the live path names the old or the new tree, whole; or nothing, if the new one was to be
    /// made of the old one's files and what says how was damaged.
    /// </summary>
    /// <returns>Whether it is the new one.</returns>
    public static bool Recover(MarkerDirectory directory, string live, PendingSwap swap)
    {
        var status = FileStatus.TryRead(live);
        if (status?.Inode == swap.Inode)
        {
            Durable.SyncDirectory(Path.GetDirectoryName(live)!);
            return true;
        }

        if (swap.Redo is not null && Directory.Exists(TakenOf(directory, swap)))
        {
            MakeRoom(live, status);
            return TryGoOn(directory, live, swap, _ => { });
        }

        var previous = Path.Combine(directory.Previous, swap.Name);
        if (status is null && Directory.Exists(previous))
        {
            Directory.Move(previous, live);
        }

        Durable.SyncDirectory(Path.GetDirectoryName(live)!);
        return false;
    }

    /// <summary>Where the old tree goes whose files become the new one's. Not a name that it would be taken back from.</summary>
    private static string TakenOf(MarkerDirectory directory, PendingSwap swap) => Path.Combine(directory.Previous, $"{swap.Name}.taken");

    /// <summary>The live path names nothing, the old tree is away, and some of its files may be changed already.</summary>
    /// <returns>False when the journal is damaged, and nothing was done.</returns>
    private static bool TryGoOn(MarkerDirectory directory, string live, PendingSwap swap, Action<string> atPoint)
    {
        // A power cut must not bring the old tree back with files that were changed.
        Durable.SyncDirectory(directory.Previous);
        Durable.SyncDirectory(Path.GetDirectoryName(live)!);
        var staged = Path.Combine(directory.Staging, swap.Name);
        if (!RedoJournal.TryApply(JournalOf(staged), swap.Redo!, staged))
        {
            return false;
        }

        atPoint("applied");
        Directory.Move(staged, live);
        atPoint("moved in");
        Durable.SyncDirectory(Path.GetDirectoryName(live)!);
        return true;
    }

    /// <summary>Somebody may have made a directory where for a while there was none.</summary>
    private static void MakeRoom(string live, FileStatus? status)
    {
        if (status is null || Durable.TryRemoveDirectory(live))
        {
            return;
        }

        throw new LocalContentException(
            $"Something was put at {live} while a restore of it was cut short, and stands in the way of the end of that. Move it away.");
    }
}
