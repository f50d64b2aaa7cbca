using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>Ways to content for commands that have given up the rights of root.</summary>
internal static class GroupPassage
{
    /// <summary>Lets a group through a directory to what it knows by name. What is not meant for it has a mode of its own.</summary>
    public static void Open(string directory, uint group)
    {
        const uint asItIs = uint.MaxValue;
        const uint ownerAndThroughForGroup = 0b111_001_000;
        FileAttribution.SetOwner(directory, asItIs, group);
        FileAttribution.SetMode(directory, ownerAndThroughForGroup);
    }
}
