using ClusterFs.Demo;
using ClusterFs.Faults.Rig;

namespace ClusterFs.Faults.Scenarios;

/// <summary>What the processes said, for looking into a violation.</summary>
internal static class Logs
{
    public static async Task Copy(FaultCluster cluster, string directory)
    {
        await Copy(cluster.Cluster, directory);
        if (Directory.Exists(cluster.Site.TimelineDirectory))
        {
            await Shell.Run("cp", "-r", cluster.Site.TimelineDirectory, directory);
        }
    }

    public static async Task Copy(LocalCluster cluster, string directory)
    {
        Directory.CreateDirectory(directory);
        foreach (var node in cluster.Nodes)
        {
            await Shell.Run("cp", "-r", node.LogDirectory, Path.Combine(directory, node.Name));
        }

        await Shell.Run("/bin/sh", "-c", $"cp '{cluster.Site.Directory}'/*.log '{cluster.Site.DatabaseDirectory}'/*.log '{directory}'");
        Console.WriteLine($"logs: {directory}");
    }
}
