using System.Threading.Channels;

namespace ClusterFs.Node.Agents;

/// <summary>
/// Work that may hang, on threads of its own: on the thread pool, a hung file system would take its threads one by one. Thread-safe.
/// </summary>
/// <param name="most">So many at once; the others wait for their turn, so that many services do not begin all at one moment.</param>
internal sealed class OwnThreads(int most)
{
    private readonly Channel<bool> _turns = Channel.CreateBounded<bool>(most);

    public async Task<T> Run<T>(Func<T> work)
    {
        await _turns.Writer.WriteAsync(true).ConfigureAwait(false);
        try
        {
            return await Unbounded(work).ConfigureAwait(false);
        }
        finally
        {
            _ = _turns.Reader.TryRead(out _);
        }
    }

    /// <summary>At once, for what nobody may wait behind others for.</summary>
    public static Task<T> Unbounded<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);
}
