namespace ClusterFs.Archive.Capture;

/// <summary>How live content is read while its service may be writing it.</summary>
public enum CaptureMode
{
    /// <summary>SQLite databases by SQLite's backup where SQLite can read them, everything else by copying.</summary>
    Auto,

    /// <summary>As <see cref="Auto"/>, but a database that SQLite cannot read is an error rather than copied.</summary>
    Sqlite,

    /// <summary>Every file by copying, databases included. Right only for files that are replaced whole or only appended to.</summary>
    Copy,

    /// <summary>Every file as it lies there, for content that no process writes any more. Not a setting.</summary>
    Raw,
}
