namespace ClusterFs.Guard.Beside;

/// <summary>What <c>clusterfs hold</c> was asked for.</summary>
public sealed record HoldOptions(string Socket, string Service)
{
    /// <summary>
    /// Says, until the service is owned here, why there is no use in waiting: that is then said to the service manager, and the code is 3.
    /// Null: wait as a candidate for as long as it takes.
    /// </summary>
    public Func<CancellationToken, Task<string?>>? FindRefusal { get; init; }
}
