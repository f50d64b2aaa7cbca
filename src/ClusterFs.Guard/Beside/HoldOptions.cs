namespace ClusterFs.Guard.Beside;

/// <summary>What <c>clusterfs hold</c> was asked for.</summary>
/// <param name="Unit">The systemd unit that the service runs as, if any.</param>
/// <param name="PidFile">Where the service writes its process id, if it does.</param>
public sealed record HoldOptions(string Socket, string Service, string? Unit, string? PidFile)
{
    /// <summary>
    /// Says, until the service is owned here, why there is no use in waiting: that is then said to the service manager, and the code is 3.
    /// Null: wait as a candidate for as long as it takes.
    /// </summary>
    public Func<CancellationToken, Task<string?>>? FindRefusal { get; init; }

    /// <summary>The guard and this process find the service by themselves; else the end of this process counts as the service's.</summary>
    public bool IsServiceKnown => Unit is not null || PidFile is not null;
}
