using System.Collections.Immutable;
using System.Globalization;
using ClusterFs.Configuration;
using ClusterFs.Content.Seeded;
using ClusterFs.Node.Upkeep;

namespace ClusterFs.Node.Seeded;

/// <summary>
/// Looks after the seeded files of this node, for the life of the process, on a thread of its own. Safe to use from several threads.
/// </summary>
internal sealed class SeededKeeper : IDisposable
{
    /// <summary>An answer that takes longer is something to be seen.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly SeededFiles _files;
    private readonly UpkeepThread _upkeep;
    private volatile ILogger? _logger;

    public SeededKeeper(Settings settings, TimeProvider time)
    {
        _time = time;
        _files = new SeededFiles(settings, time, Log);
        _upkeep = new UpkeepThread(
            "seeded files", settings.Seeded.PollEvery, time, (_, stopping) => _files.RenderDue(stopping), mistake => _logger?.SeededMistaken(mistake.ToString()));
    }

    /// <summary>Begins, unless it has begun before.</summary>
    public void Begin(ILogger logger)
    {
        _logger = logger;
        if (!_files.IsEmpty)
        {
            _upkeep.Begin();
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
        AskAsync(files => files.Render(service, _upkeep.Stopping), patience);

    public void Dispose() => _upkeep.Dispose();

    private Task<T> AskAsync<T>(Func<SeededFiles, T> work, TimeSpan patience) => _files.IsEmpty
        ? Task.FromResult(work(_files))
        : _upkeep.AskAsync<T>(tell => tell(work(_files)), patience, () => $"{_files.Waiting?.What ?? "what was asked before"} does not answer");

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
