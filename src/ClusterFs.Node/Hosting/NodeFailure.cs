namespace ClusterFs.Node.Hosting;

/// <summary>Why the daemon cannot go on, if it cannot.</summary>
internal sealed class NodeFailure
{
    private readonly TaskCompletionSource<string> _problem = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<string> Problem => _problem.Task;

    public void Set(string problem) => _problem.TrySetResult(problem);
}

/// <summary>Whether this is the first actor system of the process.</summary>
internal sealed record StartCount(int Number)
{
    public bool IsFirst => Number == 1;
}
