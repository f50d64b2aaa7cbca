namespace ClusterFs.Archive.Capture;

/// <summary>How live content is read while its service may be writing it.</summary>
public enum CaptureMode
{
    /// <summary>
    /// As <see cref="Snapshot"/> where that is possible; elsewhere SQLite databases by SQLite's locking where SQLite can read them, and everything
    /// else by copying.
    /// </summary>
    Auto,

    /// <summary>SQLite databases by SQLite's locking, everything else by copying. A database that SQLite cannot read is an error.</summary>
    Sqlite,

    /// <summary>Every file by copying, databases included. Right only for files that are replaced whole or only appended to.</summary>
    Copy,

    /// <summary>All files as of one moment, by a read-only snapshot of btrfs: what a power cut at that moment would leave.</summary>
    Snapshot,

    /// <summary>The service is made to stand still by a command of its own while its files are read, or while a snapshot is made of them.</summary>
    Hooks,

    /// <summary>A command of the service's writes a consistent copy, and that is what is dumped.</summary>
    Command,

    /// <summary>Every file as it lies there, for content that no process writes any more. Not a setting.</summary>
    Raw,
}
