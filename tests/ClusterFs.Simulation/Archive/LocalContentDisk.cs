using ClusterFs.Archive.Lineage;

namespace ClusterFs.Simulation;

/// <summary>The live content on one node's disk and the marker beside it.</summary>
public sealed class LocalContentDisk
{
    private bool _written;

    /// <summary>0 when the live path names nothing.</summary>
    public int Content { get; private set; }

    internal ContentOrigin? Origin { get; set; }

    internal PendingClaim? Pending { get; set; }

    internal bool HasMarker => Origin is not null || Pending is not null;

    internal LocalState State => Content == 0 ? LocalState.Absent : LocalState.Present;

    public void BeginWriting(World world)
    {
        _written = true;
        Write(world);
    }

    /// <summary>What was written since the last look is there to be looked at.</summary>
    public void Write(World world) => Content = _written ? world.Contents.After(Content) : Content;

    public void EndWriting(World world)
    {
        Write(world);
        _written = false;
    }

    public void Replace(int content) => Content = content;
}
