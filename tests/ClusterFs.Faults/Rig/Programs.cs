namespace ClusterFs.Faults.Rig;

/// <summary>Finds programs as a shell of root would.</summary>
internal static class Programs
{
    private static IReadOnlyList<string> Directories =>
        [.. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries), "/usr/sbin", "/sbin"];

    /// <returns>The first of these that is installed; null for none.</returns>
    public static string? Find(IReadOnlyList<string> names) =>
        names.FirstOrDefault(name => Directories.Any(directory => File.Exists(Path.Combine(directory, name))));
}
