using ClusterFs.Posix;

namespace ClusterFs.Content.Logs.Links;

/// <summary>
/// Whether shared storage takes logs, asked on a thread of its own: storage that hangs does not hang who asks. Not safe for several threads.
/// </summary>
/// <param name="check">Throws when it does not.</param>
/// <param name="patience">How long an answer may take.</param>
internal sealed class SharedWatch(Func<DirectoryOwner?, bool, DirectoryOwner> check, TimeSpan patience)
{
    private Task<DirectoryOwner>? _asked;

    /// <returns>The owner of the logs there; else why they cannot be written.</returns>
    public (DirectoryOwner? Owner, string? Problem) Ask(DirectoryOwner? owner, bool isNew)
    {
        if (_asked is not { IsCompleted: false })
        {
            _asked = Task.Factory.StartNew(
                () => check(owner, isNew), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            _ = Task.WhenAny(_asked, Task.Delay(patience)).GetAwaiter().GetResult();
        }

        return _asked switch
        {
            { IsCompletedSuccessfully: true } => (_asked.Result, null),
            { Exception.InnerException: { } problem } => (null, problem.Message),
            _ => (null, "shared storage does not answer"),
        };
    }
}
