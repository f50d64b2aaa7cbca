using System.Collections.Immutable;

namespace ClusterFs.Configuration;

/// <summary>A service's log files: kept on shared storage, in a directory of each node.</summary>
/// <param name="Links">Absolute; what the service calls the directories that it writes its logs to. At least one, with names that differ.</param>
/// <param name="FileName">How the service writes the node's name into the names of its logs; null where it does not. See <see cref="FileNamePatterns"/>.</param>
/// <param name="TimePattern">Its own form of time stamps; null for the usual ones. See <see cref="TimePatterns"/>.</param>
/// <param name="Reopen">A command, for /bin/sh, that makes the service open its logs anew; null for none.</param>
public sealed record LogsSettings(ImmutableArray<string> Links, string? FileName, string? TimePattern, string? Reopen);

/// <summary>A file that is rendered on each node from a template on shared storage.</summary>
/// <param name="Path">Absolute; on a local disk.</param>
/// <param name="Template">Relative to <see cref="SharedSettings.Path"/>; does not lead out of it.</param>
public sealed record SeededSettings(string Path, string Template)
{
    /// <summary>A name or number; null for that of the file that is replaced.</summary>
    public string? Owner { get; init; }

    /// <summary>A name or number; null for that of the file that is replaced.</summary>
    public string? Group { get; init; }

    /// <summary>Permission bits, 0 to 07777; null for those of the file that is replaced, 0644 for a new one.</summary>
    public uint? Mode { get; init; }

    /// <summary>For /bin/sh: whether the staged file is good. Null: it is not asked.</summary>
    public string? Check { get; init; }

    /// <summary>Then it is killed, and has failed. 100 ms to 1 h, default 30 s.</summary>
    public TimeSpan CheckTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For /bin/sh: has the new file read. Null: nobody has to be told.</summary>
    public string? Reload { get; init; }

    /// <summary>Then it is killed, and has failed. 100 ms to 1 h, default 30 s.</summary>
    public TimeSpan ReloadTimeout { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>A file or directory of configuration on shared storage that each node uses a checked copy of.</summary>
/// <param name="Name">Lower-case letters, digits and hyphens.</param>
/// <param name="Source">Relative to <see cref="SharedSettings.Path"/>; does not lead out of it.</param>
/// <param name="Kind">How a program on the node comes to read the copy.</param>
/// <param name="Target">Absolute; on a local disk: what it is included in, linked from or copied to.</param>
public sealed record ConfigSettings(string Name, string Source, ConfigKind Kind, string Target)
{
    /// <summary>Stands for the copy's path in <see cref="Include"/>.</summary>
    public const string PathPlace = "%PATH%";

    /// <summary>Stands for the words in <see cref="Comment"/>.</summary>
    public const string TextPlace = "%TEXT%";

    /// <summary>The line that includes it. Default: <c>include %PATH%;</c>.</summary>
    public string Include { get; init; } = $"include {PathPlace};";

    /// <summary>How a comment is written: what begins it, or all of it around %TEXT%. Default: <c>#</c>.</summary>
    public string Comment { get; init; } = "#";

    /// <summary>A line of the target, apart from blanks around it, that the block comes after; null: it comes at the end.</summary>
    public string? After { get; init; }

    /// <summary>For /bin/sh: whether the staged version is good. Null: it is not asked.</summary>
    public string? Check { get; init; }

    /// <summary>Then it is killed, and has failed. 100 ms to 1 h, default 30 s.</summary>
    public TimeSpan CheckTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For /bin/sh: has the new version read. Null: nobody has to be told.</summary>
    public string? Reload { get; init; }

    /// <summary>Then it is killed, and has failed. 100 ms to 1 h, default 30 s.</summary>
    public TimeSpan ReloadTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>For /bin/sh: whether what reads it is well. Null: it is not asked.</summary>
    public string? Healthy { get; init; }

    /// <summary>By then it has to be, or has failed. 100 ms to 1 h, default 30 s.</summary>
    public TimeSpan HealthyWithin { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>How a program comes to read shared configuration.</summary>
public enum ConfigKind
{
    /// <summary>A marked block in its own configuration includes it.</summary>
    Include,

    /// <summary>A symbolic link leads to it.</summary>
    Link,

    /// <summary>It is copied to where the program reads it.</summary>
    Copy,
}

/// <summary>Static content of a service: published in generations, and served by every node of the service.</summary>
/// <param name="Name">Lower-case letters, digits and hyphens; of its own within the service.</param>
/// <param name="Path">Absolute; what is served: a link that the daemon keeps there.</param>
public sealed record StaticSettings(string Name, string Path)
{
    /// <summary>What each node keeps of it. Default <see cref="CacheKind.None"/>.</summary>
    public CacheKind Cache { get; init; } = CacheKind.None;

    /// <summary>
    /// How much a node copies of a generation, in bytes; the rest is served from shared storage. 1 MiB to 1 PiB; null, the default, for all of it. Only with
    /// <see cref="CacheKind.Local"/>.
    /// </summary>
    public long? Budget { get; init; }

    /// <summary>Whether nodes need generations as plain files on shared storage.</summary>
    public bool IsServedFromShared => Cache == CacheKind.None || Budget is not null;

    /// <summary>How many generations stay on shared storage. 2 to 1,000, default 5.</summary>
    public int Keep { get; init; } = DefaultKeep;

    public const int DefaultKeep = 5;
}

/// <summary>What a node keeps of static content.</summary>
public enum CacheKind
{
    /// <summary>Nothing: it is served from shared storage.</summary>
    None,

    /// <summary>A copy beside the path that is served.</summary>
    Local,
}
