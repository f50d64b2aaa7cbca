namespace ClusterFs.Configuration;

/// <summary>What a caller of <see cref="ConfigurationLoader"/> may choose.</summary>
public sealed record LoadOptions
{
    /// <summary>
    /// Whether <c>shared.path</c> must be a directory and each <c>live.path</c>, if there, too. Default: no; the guard must not
    /// touch shared storage.
    /// </summary>
    public bool CheckPaths { get; init; }

    /// <summary>
    /// Whether the included files are copied to <see cref="NodeSettings.ConfigurationCache"/> after a good load, for a later one
    /// while their storage is away. Default: no; meant for the guard and the daemon, which own the state directory.
    /// </summary>
    public bool KeepCopies { get; init; }

    /// <summary>
    /// Whether the copies that <see cref="KeepCopies"/> kept are read in place of the included files, which are not touched: what guard and daemon
    /// work with while somebody edits. Default: no.
    /// </summary>
    public bool PreferCopies { get; init; }

    /// <summary>How long an included file is waited for before its copy is used. Default 5 s: a hung mount answers never.</summary>
    public TimeSpan IncludeTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>What <c>${NAME}</c> falls back to. Default: the environment of this process.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;
}
