namespace ClusterFs.Guard.Beside;

/// <summary>What <c>clusterfs hold</c> was asked for.</summary>
/// <param name="Unit">The systemd unit that the service runs as, if any.</param>
/// <param name="PidFile">Where the service writes its process id, if it does.</param>
public sealed record HoldOptions(string Socket, string Service, string? Unit, string? PidFile)
{
    /// <summary>The guard and this process find the service by themselves; else the end of this process counts as the service's.</summary>
    public bool IsServiceKnown => Unit is not null || PidFile is not null;
}
