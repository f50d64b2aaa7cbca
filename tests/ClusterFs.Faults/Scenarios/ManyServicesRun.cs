using ClusterFs.Faults.Rig;

namespace ClusterFs.Faults.Scenarios;

/// <summary>The cost of many services from the empty machine to its figures.</summary>
internal static class ManyServicesRun
{
    /// <returns>The exit code: 0 when all is as promised, otherwise 1.</returns>
    public static async Task<int> Run(int services, string? logDirectory, CancellationToken cancelled)
    {
        var progress = new Progress(Console.Out);
        progress.Say($"{services} services, 3 nodes");
        await using var cluster = await RigTurn.Take(() => ManyServicesCluster.Start(services), progress.Say);
        try
        {
            return await ManyServices.Run(cluster, progress, cancelled) ? 0 : 1;
        }
        finally
        {
            if (logDirectory is not null)
            {
                await Logs.Copy(cluster.Cluster, logDirectory);
            }
        }
    }
}
