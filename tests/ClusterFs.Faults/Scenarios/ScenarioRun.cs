using ClusterFs.Faults.Rig;

namespace ClusterFs.Faults.Scenarios;

/// <summary>One measurement from the empty machine to its figures.</summary>
internal static class ScenarioRun
{
    /// <returns>The exit code: 0 when all is as promised, otherwise 1.</returns>
    public static async Task<int> Run(
        string title, FaultClusterOptions options, string? logDirectory, Func<FaultCluster, Progress, Task<bool>> scenario)
    {
        var progress = new Progress(Console.Out);
        progress.Say($"{title}, {options.Nodes} nodes, TTL {options.Ttl.TotalSeconds:0.#} s");
        var cluster = await RigTurn.Take(() => FaultCluster.Start(options), progress.Say);
        progress.Say($"the rig is {cluster.Site.Mark.Cluster}");
        try
        {
            return await scenario(cluster, progress) ? 0 : 1;
        }
        finally
        {
            if (logDirectory is not null)
            {
                await Logs.Copy(cluster, logDirectory);
            }

            await cluster.DisposeAsync();
        }
    }
}
