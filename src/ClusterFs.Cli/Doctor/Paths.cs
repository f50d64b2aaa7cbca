namespace ClusterFs.Cli.Doctor;

/// <summary>What there is of a path that may not be there yet.</summary>
internal static class Paths
{
    /// <summary>The path itself, or the nearest directory above it that is there.</summary>
    public static string Existing(string path)
    {
        while (!Directory.Exists(path) && Path.GetDirectoryName(path) is { } above)
        {
            path = above;
        }

        return path;
    }
}
