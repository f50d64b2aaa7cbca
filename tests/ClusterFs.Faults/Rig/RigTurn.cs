using ClusterFs.Demo;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Rig;

/// <summary>Rigs are built one after the other: what is half built looks like a leftover.</summary>
internal static class RigTurn
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    /// <summary>Removes what earlier runs left behind, then builds.</summary>
    /// <exception cref="ConditionNotMetException">Somebody else builds, for too long.</exception>
    public static async Task<T> Take<T>(Func<Task<T>> build, Action<string> say)
    {
        Directory.CreateDirectory(RigNames.Parent);
        using var turn = await Eventually.Get(
            "no other rig is being built", Patience, () => Task.FromResult(DirectoryLock.TryTake(RigNames.Parent)));
        foreach (var removed in await Leftovers.Remove())
        {
            say($"removed what {removed} had left behind");
        }

        return await build();
    }
}
