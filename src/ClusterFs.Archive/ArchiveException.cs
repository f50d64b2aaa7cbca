namespace ClusterFs.Archive;

/// <summary>Anything that keeps the archive from doing what was asked. The message says what, to what, and what to do.</summary>
public class ArchiveException : IOException
{
    public ArchiveException(string message)
        : base(message)
    {
    }

    public ArchiveException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

/// <summary>A file of the archive does not hold what was written to it. It is never skipped.</summary>
/// <param name="file">The damaged file.</param>
public sealed class DamagedArchiveException(string file, string what, Exception? inner = null)
    : ArchiveException($"{file} is damaged: {what}. Restore this file from a copy of the shared storage; do not delete it.", inner!)
{
    public string File { get; } = file;
}

/// <summary>A file of the archive was written by a version of ClusterFs that this one does not know.</summary>
public sealed class UnsupportedArchiveException(string file, string what)
    : ArchiveException($"{file} cannot be read by this version: {what}. Upgrade ClusterFs on this node.")
{
    public string File { get; } = file;
}

/// <summary>The shared directory cannot be used at the moment: not mounted, stale, refusing.</summary>
public sealed class SharedStorageException(string path, string why, Exception? inner = null)
    : ArchiveException($"Shared storage at {path} cannot be used: {why}", inner!)
{
    public string Path { get; } = path;
}

/// <summary>A manifest asks for something that no dump of ours contains, such as a path outside its tree. Nothing was restored.</summary>
public sealed class HostileManifestException(string file, string what)
    : ArchiveException($"The manifest in {file} is refused: {what}. Nothing was restored from it; find out who wrote it.")
{
    public string File { get; } = file;
}

/// <summary>The live content of this node cannot be read, replaced, or proven to be what the caller believes.</summary>
public sealed class LocalContentException : ArchiveException
{
    public LocalContentException(string message)
        : base(message)
    {
    }

    public LocalContentException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
