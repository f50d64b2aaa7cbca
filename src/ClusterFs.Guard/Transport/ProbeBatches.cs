using ClusterFs.Lease.Voter;

namespace ClusterFs.Guard.Transport;

/// <summary>
/// Sends the probes that come at about the same moment to a voter as one message. Each is answered or fails with the whole. Thread-safe.
/// </summary>
/// <param name="send">Answers in the order of the probes.</param>
internal sealed class ProbeBatches(Func<string, IReadOnlyList<Probe>, TimeSpan, Task<IReadOnlyList<ProbeReply>>> send)
{
    /// <summary>What one probe waits for others: nothing beside the time that a lease takes to end.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(5);

    /// <summary>Small enough that many batches fit into what a voter keeps waiting.</summary>
    private const int Most = 512;

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Batch> _open = new(StringComparer.Ordinal);

    public async Task<ProbeReply> AskAsync(string voter, Probe probe, TimeSpan timeout)
    {
        Batch? batch;
        int place;
        lock (_lock)
        {
            if (!_open.TryGetValue(voter, out batch))
            {
                _open[voter] = batch = new Batch();
            }

            place = batch.Probes.Count;
            batch.Probes.Add(probe);
            batch.Timeout = timeout > batch.Timeout ? timeout : batch.Timeout;
            if (batch.Probes.Count == Most)
            {
                _ = _open.Remove(voter);
            }
        }

        if (place == 0)
        {
            await Task.Delay(Window, TimeProvider.System).ConfigureAwait(false);
            Close(voter, batch);
            try
            {
                batch.Replies.SetResult(await send(voter, batch.Probes, batch.Timeout).ConfigureAwait(false));
            }
            catch (Exception e)
            {
                // Whatever it is, it is the answer to all of them.
                batch.Replies.SetException(e);
            }
        }

        return (await batch.Replies.Task.ConfigureAwait(false))[place];
    }

    private void Close(string voter, Batch batch)
    {
        lock (_lock)
        {
            if (_open.TryGetValue(voter, out var open) && open == batch)
            {
                _ = _open.Remove(voter);
            }
        }
    }

    private sealed class Batch
    {
        public List<Probe> Probes { get; } = [];

        public TimeSpan Timeout { get; set; }

        public TaskCompletionSource<IReadOnlyList<ProbeReply>> Replies { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
