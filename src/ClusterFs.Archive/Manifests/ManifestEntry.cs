using ClusterFs.Archive.Packs;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Manifests;

/// <summary>How the bytes of a file came into a dump.</summary>
public enum CaptureMethod
{
    /// <summary>A plain copy while its writer may have been running.</summary>
    Copied,

    /// <summary>By SQLite's locking: the database as of one moment.</summary>
    Sqlite,

    /// <summary>A copy as it lay there, no writer running.</summary>
    Raw,
}

/// <summary>The bytes of a file.</summary>
/// <param name="Size">In bytes.</param>
/// <param name="Digest">
/// Of a content stored whole, the SHA-256 of its bytes; of one stored in pages, the SHA-256 of the XxHash128 of its pages, one after the other.
/// </param>
public sealed record FileContent(long Size, Digest Digest)
{
    /// <summary>Where the bytes lie, or, if <see cref="Paged"/>, the root of the map that says so. Null when there are no bytes.</summary>
    public Piece? Root { get; init; }

    /// <summary>Whether the content is stored in pages.</summary>
    public bool Paged { get; init; }
}

/// <summary>A file, a directory or a symbolic link of a dump.</summary>
/// <param name="Path">Relative, parts separated by slashes.</param>
/// <param name="Mode">Permission bits, at most 07777.</param>
/// <param name="ModifiedNs">Nanoseconds since 1970.</param>
public sealed record ManifestEntry(string Path, FileKind Kind, uint Mode, uint User, uint Group, long ModifiedNs)
{
    /// <summary>Of a file that is no further name of another.</summary>
    public FileContent? Content { get; init; }

    /// <summary>Of a file.</summary>
    public CaptureMethod Method { get; init; }

    /// <summary>The file changed each time it was copied: what is stored is torn.</summary>
    public bool ChangedWhileCopied { get; init; }

    /// <summary>Where a symbolic link points.</summary>
    public string? Target { get; init; }

    /// <summary>Of a file that may have further names in the dump.</summary>
    public bool IsShared { get; init; }

    /// <summary>Of a file that is a further name (hard link) of another: that one's path, which precedes this.</summary>
    public string? SameAs { get; init; }

    /// <summary>Extended attributes and access control lists; null when there are none.</summary>
    public AttributeList? Attributes { get; init; }
}

/// <summary>The directory that the live path names.</summary>
public sealed record RootAttributes(uint Mode, uint User, uint Group)
{
    /// <summary>Extended attributes and access control lists; null when there are none.</summary>
    public AttributeList? Attributes { get; init; }

    internal static RootAttributes Read(string path, FileStatus status) =>
        new(status.Mode, status.User, status.Group) { Attributes = AttributeList.ReadFrom(path) };
}
