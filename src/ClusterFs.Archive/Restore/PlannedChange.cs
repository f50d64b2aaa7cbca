using ClusterFs.Archive.Manifests;
using ClusterFs.Archive.Packs;

namespace ClusterFs.Archive.Restore;

/// <summary>
/// Something that is to be true of a tree. Made true once more, also after others of its plan, it changes nothing: so a plan that was cut short is
/// begun anew.
/// </summary>
/// <param name="Path">Relative, parts separated by slashes.</param>
internal abstract record PlannedChange(string Path)
{
    /// <summary>Nothing has this name. Of a plan, no other change speaks of it or of anything below.</summary>
    public sealed record Absent(string Path) : PlannedChange(Path);

    /// <summary>A directory, be it what is there or a new and empty one.</summary>
    public sealed record MadeDirectory(string Path) : PlannedChange(Path);

    /// <summary>What was staged, a file or a symbolic link with all its attributes, has this name.</summary>
    /// <param name="Staged">Its number.</param>
    public sealed record Placed(string Path, int Staged) : PlannedChange(Path);

    /// <summary>A further name of a file.</summary>
    /// <param name="First">Another name of it.</param>
    public sealed record Linked(string Path, string First) : PlannedChange(Path);

    /// <summary>The file that is there has other bytes in some places.</summary>
    /// <param name="Size">In bytes.</param>
    /// <param name="Digest">Of all its bytes then, as a content in pages has it: the others may not be what they were when this was planned.</param>
    /// <param name="Start">Where in the staged pages the first byte lies; the others follow it.</param>
    /// <param name="Ranges">In order, apart.</param>
    public sealed record Patched(string Path, long Size, Digest Digest, long Start, IReadOnlyList<PatchedRange> Ranges) : PlannedChange(Path);

    /// <summary>Mode, owner, extended attributes and time of what is there.</summary>
    /// <param name="Path">Empty for the tree itself.</param>
    /// <param name="ModifiedNs">Nanoseconds since 1970; null where the time does not matter.</param>
    public sealed record Attributed(string Path, uint Mode, uint User, uint Group, long? ModifiedNs, AttributeList? Attributes, bool IsDirectory)
        : PlannedChange(Path);
}

/// <summary>A part of a file that gets other bytes, in bytes.</summary>
/// <param name="IsHole">Whether those are zeros, for which nothing is staged.</param>
internal readonly record struct PatchedRange(long Offset, long Length, bool IsHole);
