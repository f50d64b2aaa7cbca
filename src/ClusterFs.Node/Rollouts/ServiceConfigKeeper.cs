using System.Collections.Concurrent;
using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Content.Config;

namespace ClusterFs.Node.Rollouts;

/// <summary>The config files of one service, on a thread of their own. Safe to use from several threads.</summary>
internal sealed class ServiceConfigKeeper : IDisposable
{
    private const int MostWaiting = 64;

    /// <summary>How soon a source that has just changed is looked at again.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMilliseconds(300);

    private static readonly TimeSpan AfterMistake = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);

    private readonly TimeSpan _every;
    private readonly string _service;
    private readonly TimeProvider _time;
    private readonly ConfigFiles _files;
    private readonly BlockingCollection<Action> _asked = new(MostWaiting);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Thread _thread;
    private volatile ILogger? _logger;
    private int _begun;
    private int _nudged;

    public ServiceConfigKeeper(Settings settings, ServiceSettings service, TimeProvider time, Func<IReadOnlySet<string>> away, Action nudge)
    {
        _every = settings.ConfigPollEvery;
        _service = service.Name;
        _time = time;
        _files = new ConfigFiles(settings, service, time, away, nudge, Log);
        _thread = new Thread(Run) { IsBackground = true, Name = $"config {service.Name}" };
    }

    public ImmutableArray<ConfigState> States => _files.States;

    public void Begin(ILogger logger)
    {
        _logger = logger;
        if (Interlocked.Exchange(ref _begun, 1) == 0)
        {
            _thread.Start();
        }
    }

    public void LookNow()
    {
        // One that waits already does for all.
        if (Interlocked.Exchange(ref _nudged, 1) == 0)
        {
            _asked.TryAdd(() => { });
        }
    }

    public async Task<ImmutableArray<ConfigDifference>> CompareAsync(TimeSpan patience) => await AskAsync<ImmutableArray<ConfigDifference>>(
        (files, answer) => answer(files.Compare()), patience).ConfigureAwait(false);

    public async Task<ImmutableArray<ConfigAsked>> ApplyAsync(TimeSpan patience) => await AskAsync<ImmutableArray<ConfigAsked>>(
        (files, answer) => files.Apply(answer, _stopping.Token), patience).ConfigureAwait(false);

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

    private async Task<T> AskAsync<T>(Action<ConfigFiles, Action<T>> work, TimeSpan patience)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var isAsked = _asked.TryAdd(() => Answer(work, answer));
        if (!isAsked || await Task.WhenAny(answer.Task, Task.Delay(patience, _time, _stopping.Token)).ConfigureAwait(false) != answer.Task)
        {
            answer.TrySetCanceled();
            throw new TimeoutException($"the config files of {_service} are being looked at, or shared storage does not answer");
        }

        return await answer.Task.ConfigureAwait(false);
    }

    private void Answer<T>(Action<ConfigFiles, Action<T>> work, TaskCompletionSource<T> answer)
    {
        // Where nobody waits any more, what was to be done may not be wanted by now.
        if (answer.Task.IsCompleted)
        {
            return;
        }

        try
        {
            work(_files, result => answer.TrySetResult(result));
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

                pause = _files.Tend(nudged, _stopping.Token) && _every > Settling ? Settling : _every;
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
                _logger?.ConfigMistaken(_service, mistake.ToString());
                (pause, since) = (AfterMistake, _time.GetTimestamp());
            }
        }
    }

    private void Log(ConfigNews news, string name, string words)
    {
        if (news is ConfigNews.Began or ConfigNews.Used)
        {
            _logger?.ConfigGoesOn(_service, name, words);
        }
        else
        {
            _logger?.ConfigTroubled(_service, name, words);
        }
    }
}
