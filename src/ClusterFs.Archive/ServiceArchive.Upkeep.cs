using ClusterFs.Archive.Log;
using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Retention;

namespace ClusterFs.Archive;

/// <summary>What pruning came to.</summary>
/// <param name="Dumps">That can be restored no more, since this call.</param>
/// <param name="FreedBytes">Of dumps that were pruned earlier.</param>
/// <param name="Waiting">Dumps whose content a later call frees, because somebody may have begun to read them before they were pruned.</param>
public sealed record PruneReport(int Dumps, long FreedBytes, int Waiting);

public sealed partial class ServiceArchive
{
    /// <summary>
    /// From the moment that a dump is pruned to its deletion, by the clock of the storage: above twice what a network file system caches, so that
    /// whoever still saw the dump has left its mark, and the mark can be seen.
    /// </summary>
    internal TimeSpan PruneGrace { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Keeps the files of the archive few: puts small ones together, if there are many. Changes nothing that anyone reads, and may be done beside
    /// everything else; cut short at any point, it leaves every dump whole. For the owner, after a dump.
    /// </summary>
    /// <param name="newest">The slot of a dump that has been committed.</param>
    public void Compact(long newest, CancellationToken cancellation)
    {
        Layout.RequireHome();
        new LogFolding(Layout, Log).Run(newest, cancellation);
        new PackCompaction(Layout, Packs).Run(cancellation);
    }

    /// <summary>What a policy would keep and prune now, oldest first. Changes nothing.</summary>
    public IReadOnlyList<JudgedDump> Judge(RetentionPolicy policy, CancellationToken cancellation)
    {
        Layout.RequireHome();
        return new Pruning(this).Judge(policy, cancellation);
    }

    /// <summary>
    /// Prunes what a policy does not keep, and frees the space of what was pruned a while ago. Never prunes the newest dump, nor one that a node's
    /// content or content kept outside the line derives from. Safe beside the owner, readers and other prunes on any node.
    /// </summary>
    /// <param name="least">Fewer dumps than that are left for a later call.</param>
    public PruneReport Prune(RetentionPolicy policy, int least, CancellationToken cancellation)
    {
        Layout.RequireHome();
        var pruned = new Pruning(this).Commit(policy, least, cancellation);
        var (freed, waiting) = new Sweep(this, PruneGrace).Run(cancellation);
        return new PruneReport(pruned, freed, waiting);
    }
}
