namespace ClusterFs.Benchmarks;

/// <summary>A program that archives a directory.</summary>
/// <param name="Program">What must be installed.</param>
/// <param name="Prepare">Run once in an empty store; null when it needs none.</param>
/// <param name="Dump">Store, live, and the number of the dump.</param>
/// <param name="Restore">Store, an empty directory, and the number of the dump.</param>
/// <param name="RestoreOver">The same over a copy that is behind; null where it has no such thing.</param>
internal sealed record Tool(
    string Name,
    string Program,
    Func<string, string[]>? Prepare,
    Func<string, string, int, string[]> Dump,
    Func<string, string, int, string[]> Restore,
    Func<string, string, int, string[]>? RestoreOver)
{
    public static IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string>
    {
        ["RESTIC_PASSWORD"] = "bench",
        ["BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK"] = "yes",
        ["BORG_RELOCATED_REPO_ACCESS_IS_OK"] = "yes",
    };

    /// <param name="clusterfs">The executable.</param>
    public static IReadOnlyList<Tool> All(string clusterfs) =>
    [
        new(
            "clusterfs",
            clusterfs,
            null,
            (store, live, _) => [clusterfs, "archive", "dump", "--store", store, "--init", "bench", live],
            (store, to, _) => [clusterfs, "archive", "restore", "--store", store, "bench", "--to", to],
            (store, to, _) => [clusterfs, "archive", "restore", "--store", store, "bench", "--to", to, "--over"]),
        new(
            "restic",
            "restic",
            store => ["restic", "-q", "-r", store, "--no-cache", "init"],
            (store, live, _) => Shell($"cd '{live}' && restic -q -r '{store}' --no-cache backup ."),
            (store, to, _) => ["restic", "-q", "-r", store, "--no-cache", "restore", "latest", "--target", to],
            (store, to, _) => ["restic", "-q", "-r", store, "--no-cache", "restore", "latest", "--target", to])
        {
            // Before 0.17 it cannot delete.
            LeavesWhatIsGone = true,
        },
        new(
            "borg",
            "borg",
            store => ["borg", "init", "-e", "none", store],
            (store, live, dump) => Shell($"cd '{live}' && borg create -C zstd,1 '{store}'::d{dump} ."),
            (store, to, dump) => Shell($"cd '{to}' && borg extract '{store}'::d{dump}"),
            null),
        new(
            "tar + zstd",
            "zstd",
            null,
            (store, live, dump) => Shell($"tar -C '{live}' -cf - . | zstd -q -1 -T2 -o '{store}/d{dump}.tar.zst'"),
            (store, to, dump) => Shell($"zstd -q -dc '{store}/d{dump}.tar.zst' | tar -C '{to}' -xf -"),
            null),
        new(
            "rsync",
            "rsync",
            null,
            (store, live, _) => ["rsync", "-a", "--delete", $"{live}/", $"{store}/"],
            (store, to, _) => ["rsync", "-a", "--delete", $"{store}/", $"{to}/"],
            (store, to, _) => ["rsync", "-a", "--delete", $"{store}/", $"{to}/"]),
    ];

    /// <summary>A restore over a copy does not delete what the dump has not, so it has less to do than the others.</summary>
    public bool LeavesWhatIsGone { get; init; }

    public bool IsInstalled => File.Exists(Program)
        || (System.Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':').Any(directory => File.Exists(Path.Combine(directory, Program)));

    private static string[] Shell(string command) => ["sh", "-c", command];
}
