using System.Collections.Concurrent;

namespace ClusterFs.Node.Upkeep;

/// <summary>
/// Looks after files now and then, and does what is asked in between, one thing at a time and on a thread of its own: shared storage that hangs, or a check
/// that does, keeps nothing else from going on. For the life of the process. Safe to use from several threads.
/// </summary>
internal sealed class UpkeepThread : IDisposable
{
    private const int MostWaiting = 64;

    /// <summary>How soon what has just changed is looked at again.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(300);

    private static readonly TimeSpan AfterMistake = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _every;
    private readonly TimeProvider _time;
    private readonly Func<bool, CancellationToken, bool> _look;
    private readonly Action<Exception> _mistaken;
    private readonly BlockingCollection<Action> _asked = new(MostWaiting);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Thread _thread;
    private int _begun;
    private int _nudged;

    /// <param name="every">From one look to the next.</param>
    /// <param name="look">Gets whether somebody says that there is something to be seen; says whether to look again soon.</param>
    /// <param name="mistaken">Gets what a look threw: a mistake must not end the daemon, and is to be seen. The next look comes a minute later.</param>
    public UpkeepThread(string name, TimeSpan every, TimeProvider time, Func<bool, CancellationToken, bool> look, Action<Exception> mistaken)
    {
        (_every, _time, _look, _mistaken) = (every, time, look, mistaken);
        _thread = new Thread(Run) { IsBackground = true, Name = name };
    }

    /// <summary>Cancelled when the daemon ends.</summary>
    public CancellationToken Stopping => _stopping.Token;

    /// <summary>Begins, unless it has begun before.</summary>
    public void Begin()
    {
        if (Interlocked.Exchange(ref _begun, 1) == 0)
        {
            _thread.Start();
        }
    }

    /// <summary>There is something to be seen.</summary>
    public void LookNow()
    {
        // One that waits already does for all.
        if (Interlocked.Exchange(ref _nudged, 1) == 0)
        {
            _asked.TryAdd(() => { });
        }
    }

    /// <summary>Has something done in between, and waits for its answer.</summary>
    /// <param name="work">Gets whom to answer; it may go on after that.</param>
    /// <param name="unanswered">Words for that there was no answer in time.</param>
    /// <exception cref="TimeoutException">There was none. What had begun by then goes on; what had not is not done.</exception>
    public async Task<T> AskAsync<T>(Action<Action<T>> work, TimeSpan patience, Func<string> unanswered)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var isAsked = _asked.TryAdd(() => Answer(work, answer));
        if (!isAsked || await Task.WhenAny(answer.Task, Task.Delay(patience, _time, _stopping.Token)).ConfigureAwait(false) != answer.Task)
        {
            answer.TrySetCanceled();
            throw new TimeoutException(unanswered());
        }

        return await answer.Task.ConfigureAwait(false);
    }

    public void Stop() => _stopping.Cancel();

    public void Dispose()
    {
        _stopping.Cancel();
        if (_begun == 1 && !_thread.Join(EndPatience))
        {
            // It hangs, and ends with the process.
            return;
        }

        _asked.Dispose();
        _stopping.Dispose();
    }

    private static void Answer<T>(Action<Action<T>> work, TaskCompletionSource<T> answer)
    {
        // Where nobody waits any more, what was to be done may not be wanted by now.
        if (answer.Task.IsCompleted)
        {
            return;
        }

        try
        {
            work(result => answer.TrySetResult(result));
        }
        catch (Exception problem) when (answer.TrySetException(problem))
        {
            // Whoever asked is told.
        }
    }

    private void Run()
    {
        var (pause, since) = (TimeSpan.Zero, _time.GetTimestamp());
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                // What is due comes first: however often somebody asks, changes are seen.
                var left = pause - _time.GetElapsedTime(since);
                if (left > TimeSpan.Zero && _asked.TryTake(out var asked, (int)Math.Ceiling(left.TotalMilliseconds), _stopping.Token))
                {
                    asked();
                }

                var nudged = Interlocked.Exchange(ref _nudged, 0) == 1;
                if (!nudged && _time.GetElapsedTime(since) < pause)
                {
                    continue;
                }

                pause = _look(nudged, _stopping.Token) && _every > Settling ? Settling : _every;
                since = _time.GetTimestamp();
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // The daemon ends.
            }
#pragma warning disable CA1031 // A mistake here must not end the daemon, and is to be seen.
            catch (Exception mistake)
#pragma warning restore CA1031
            {
                _mistaken(mistake);
                (pause, since) = (AfterMistake, _time.GetTimestamp());
            }
        }
    }
}
