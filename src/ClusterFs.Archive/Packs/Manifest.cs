using ClusterFs.Posix;

namespace ClusterFs.Archive.Packs;

/// <summary>How the bytes of a file came into a dump.</summary>
public enum CaptureMethod
{
    /// <summary>A plain copy while its writer may have been running.</summary>
    Copied,

    /// <summary>SQLite's backup: the database as of one moment.</summary>
    Sqlite,

    /// <summary>A copy as it lay there, no writer running.</summary>
    Raw,
}

/// <summary>A part of a content: one zstd frame in a pack.</summary>
/// <param name="Pack">Nonce of the pack.</param>
/// <param name="Offset">First byte of the frame in the pack.</param>
/// <param name="Length">Bytes of the frame.</param>
/// <param name="Size">Bytes it decompresses to.</param>
public sealed record Extent(string Pack, long Offset, int Length, int Size);

/// <summary>The bytes of a file: its extents, one after the other.</summary>
/// <param name="Sha256">Of the whole content; lower-case hexadecimal.</param>
public sealed record FileContent(long Size, string Sha256, IReadOnlyList<Extent> Extents);

/// <summary>A file, a directory or a symbolic link of a dump.</summary>
/// <param name="Path">Relative, parts separated by slashes.</param>
/// <param name="Mode">Permission bits, at most 07777.</param>
/// <param name="ModifiedNs">Nanoseconds since 1970.</param>
public sealed record ManifestEntry(string Path, FileKind Kind, uint Mode, uint User, uint Group, long ModifiedNs)
{
    /// <summary>Of a file.</summary>
    public FileContent? Content { get; init; }

    /// <summary>Of a file.</summary>
    public CaptureMethod Method { get; init; }

    /// <summary>The file changed each time it was copied: what is stored is torn.</summary>
    public bool ChangedWhileCopied { get; init; }

    /// <summary>Where a symbolic link points.</summary>
    public string? Target { get; init; }
}

/// <summary>Who owns the directory that the live path names, and its permission bits.</summary>
public sealed record RootAttributes(uint Mode, uint User, uint Group)
{
    internal static RootAttributes Of(FileStatus status) => new(status.Mode, status.User, status.Group);
}

/// <summary>Everything a dump contains, sorted by path, so that a directory precedes what is in it.</summary>
/// <param name="Nonce">Of the record that refers to it, and of the pack it lies in.</param>
public sealed record Manifest(string Service, string Nonce, RootAttributes Root, IReadOnlyList<ManifestEntry> Entries);
