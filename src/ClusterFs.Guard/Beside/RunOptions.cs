namespace ClusterFs.Guard.Beside;

/// <summary>What <c>clusterfs run</c> was asked for.</summary>
/// <param name="Wait">Wait as a candidate for as long as it takes; else refuse when the service cannot be had at once.</param>
/// <param name="Executable">This program, which is also the gate.</param>
public sealed record RunOptions(string Socket, string Service, IReadOnlyList<string> Command, bool Wait, string Executable)
{
    /// <summary>What "at once" means.</summary>
    public TimeSpan AtOnce { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Says which other node owns the service, when somebody knows.</summary>
    public Func<CancellationToken, Task<string?>> FindOwner { get; init; } = _ => Task.FromResult<string?>(null);
}
