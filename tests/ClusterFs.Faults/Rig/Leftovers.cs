using ClusterFs.Demo;
using ClusterFs.Demo.Processes;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Rig;

/// <summary>What earlier runs left behind that were killed together with those who should have cleaned up after them.</summary>
internal static class Leftovers
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <returns>The names of the runs that were removed.</returns>
    public static async Task<IReadOnlyList<string>> Remove()
    {
        var removed = new List<string>();
        foreach (var directory in Directory.Exists(RigNames.Parent) ? Directory.GetDirectories(RigNames.Parent) : [])
        {
            var names = new RigNames(new ProcessMark(Path.GetFileName(directory)));
            using (var ours = DirectoryLock.TryTake(directory))
            {
                if (ours is null)
                {
                    continue;
                }
            }

            await Eventually.True($"no process of {names.Mark.Cluster} is left", Patience, () => LocalCluster.KillAll(names.Mark.Processes()));
            File.Delete(Path.Combine(directory, "lock"));
            await Shell.Run("/bin/sh", "-c", names.Removal);
            removed.Add(names.Mark.Cluster);
        }

        return removed;
    }
}
