using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using ClusterFs.Configuration;
using ClusterFs.Content.Seeded;

namespace ClusterFs.Node.Seeded;

/// <summary>
/// Looks after the seeded files of this node, for the life of the process, on a thread of its own: shared storage that hangs, or a check that
/// does, keeps nothing else from going on. Safe to use from several threads.
/// </summary>
internal sealed class SeededKeeper : IDisposable
{
    private const int MostWaiting = 16;

    /// <summary>How soon a template that has just changed is looked at again.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(300);

    /// <summary>An answer that takes longer is something to be seen.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan AfterMistake = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _every;
    private readonly TimeProvider _time;
    private readonly SeededFiles _files;
    private readonly BlockingCollection<Action> _asked = new(MostWaiting);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Thread _thread;
    private volatile ILogger? _logger;
    private int _begun;

    public SeededKeeper(Settings settings, TimeProvider time)
    {
        _every = settings.Seeded.PollEvery;
        _time = time;
        _files = new SeededFiles(settings, time, Log);
        _thread = new Thread(Run) { IsBackground = true, Name = "seeded files" };
    }

    /// <summary>Begins, unless it has begun before.</summary>
    public void Begin(ILogger logger)
    {
        _logger = logger;
        if (!_files.IsEmpty && Interlocked.Exchange(ref _begun, 1) == 0)
        {
            _thread.Start();
        }
    }

    /// <summary>As of the last look; never waits.</summary>
    public ImmutableArray<SeededState> States
    {
        get
        {
            var states = _files.States;
            if (_files.Waiting is not { What: SeededFiles.SharedStorage } wait)
            {
                return states;
            }

            var waited = _time.GetElapsedTime(wait.Since);
            if (waited < Patience)
            {
                return states;
            }

            var words = string.Create(
                CultureInfo.InvariantCulture, $"{wait.What} has not answered for {waited.TotalSeconds:0} s; what is on this node stays");
            return [.. states.Select(state => state.Condition == SeededCondition.Current ? state with { Condition = SeededCondition.Unknown, Reason = words } : state)];
        }
    }

    /// <summary>What a rendering would change.</summary>
    /// <exception cref="TimeoutException">What it waits for does not answer.</exception>
    public Task<ImmutableArray<SeededDifference>> CompareAsync(string? service, TimeSpan patience) =>
        AskAsync(files => files.Compare(service), patience);

    /// <summary>Renders what differs.</summary>
    /// <exception cref="TimeoutException">What it waits for does not answer; it may be rendered later.</exception>
    public Task<ImmutableArray<SeededState>> RenderAsync(string? service, TimeSpan patience) =>
        AskAsync(files => files.Render(service, _stopping.Token), patience);

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

    private async Task<T> AskAsync<T>(Func<SeededFiles, T> work, TimeSpan patience)
    {
        if (_files.IsEmpty)
        {
            return work(_files);
        }

        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var isAsked = _asked.TryAdd(() => Answer(work, answer));
        if (!isAsked || await Task.WhenAny(answer.Task, Task.Delay(patience, _time, _stopping.Token)).ConfigureAwait(false) != answer.Task)
        {
            answer.TrySetCanceled();
            throw new TimeoutException($"{_files.Waiting?.What ?? "what was asked before"} does not answer");
        }

        return await answer.Task.ConfigureAwait(false);
    }

    private void Answer<T>(Func<SeededFiles, T> work, TaskCompletionSource<T> answer)
    {
        // Where nobody waits any more, what was to be done may not be wanted by now.
        if (answer.Task.IsCompleted)
        {
            return;
        }

        try
        {
            answer.TrySetResult(work(_files));
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
                // What is due comes first: however often somebody asks, changes are rendered.
                var left = pause - _time.GetElapsedTime(since);
                if (left > TimeSpan.Zero && _asked.TryTake(out var asked, (int)Math.Ceiling(left.TotalMilliseconds), _stopping.Token))
                {
                    asked();
                    continue;
                }

                if (_time.GetElapsedTime(since) < pause)
                {
                    continue;
                }

                pause = _files.RenderDue(_stopping.Token) ? Settling : _every;
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
                _logger?.SeededMistaken(mistake.ToString());
                (pause, since) = (AfterMistake, _time.GetTimestamp());
            }
        }
    }

    private void Log(SeededNews news, string service, string file, string words)
    {
        switch (news)
        {
            case SeededNews.Rendered:
                _logger?.SeededRendered(service, file, words);
                break;
            case SeededNews.Kept:
                _logger?.SeededKept(service, file, words);
                break;
            case SeededNews.Reloaded:
                _logger?.SeededReloaded(service, file, words);
                break;
            default:
                _logger?.SeededFailed(service, words);
                break;
        }
    }
}
