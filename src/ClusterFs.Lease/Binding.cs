namespace ClusterFs.Lease;

/// <summary>
/// An epoch, and the node that may write under it. A node of null is an epoch that was fenced and that no holder has yet renewed.
/// </summary>
public readonly record struct Binding(long Epoch, string? Node)
{
    /// <summary>Below every epoch that was ever granted.</summary>
    public static Binding None => new(0, null);

    public override string ToString() => $"{Epoch}@{Node ?? "-"}";
}
