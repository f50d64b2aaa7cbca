using System.Globalization;
using ClusterFs.Archive.Manifests;
using ClusterFs.Configuration;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// Chooses which files of a generation this node copies where it has a budget, and changes that now and then while the generation is served. It never takes
/// long at once: whatever is published meanwhile, here or elsewhere, comes first. One thread at a time, apart from <see cref="Interrupt"/> and
/// <see cref="WaitingSince"/>.
/// </summary>
internal sealed class StaticRefill(StaticStore store, StaticPlace place, long? budget, TimeProvider time, Action<StaticNews, string> log, Action<string> reached)
{
    private const long Asleep = long.MinValue;

    /// <summary>What was used is known by the day.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    /// <summary>How long a part of it takes, apart from choosing and from its last file.</summary>
    private static readonly TimeSpan AtOnce = TimeSpan.FromSeconds(3);

    private readonly Lock _gate = new();
    private CancellationTokenSource? _running;
    private bool _isInterrupted;
    private long _waitingSince = Asleep;
    private long? _doneAt;
    private (long Fetched, long Given) _changed;

    /// <summary>Since when shared storage has not answered; null where it is asked for nothing.</summary>
    public long? WaitingSince => Volatile.Read(ref _waitingSince) is not Asleep and var since ? since : null;

    /// <summary>What is to be here of a generation, by what was used of the one before.</summary>
    public HashSet<string> Choose(Manifest manifest, Held? before)
    {
        using var tree = before is { } held ? new OwnedTree(place.PathOf(held), Accounts.Current) : null;
        return CacheRules.Choose(CacheUse.Of(manifest.Entries(), tree, time.GetUtcNow(), areNew: true), budget ?? long.MaxValue);
    }

    /// <summary>A generation has just been made by what was used.</summary>
    public void Chosen() => (_doneAt, _changed) = (time.GetTimestamp(), default);

    /// <summary>There is something to be looked at: a part that runs ends, and none begins until <see cref="Resume"/>.</summary>
    public void Interrupt()
    {
        lock (_gate)
        {
            _isInterrupted = true;
            _running?.Cancel();
        }
    }

    /// <summary>A look begins.</summary>
    public void Resume()
    {
        lock (_gate)
        {
            _isInterrupted = false;
        }
    }

    /// <summary>Does a part of it. That it cannot be done makes no node less current: it is tried again the next time.</summary>
    /// <returns>Whether there may be something else here now.</returns>
    public bool RunIfDue(Held held, Generation generation, CancellationToken cancellation)
    {
        if (place.Served != held || (_doneAt is { } at && time.GetElapsedTime(at) < Every))
        {
            return false;
        }

        using var running = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        lock (_gate)
        {
            if (_isInterrupted)
            {
                return false;
            }

            _running = running;
        }

        try
        {
            _doneAt = Run(held, generation, running.Token) ? time.GetTimestamp() : null;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // It goes on after the look that is due.
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            _doneAt = time.GetTimestamp();
            log(StaticNews.Failed, $"which files are copied here could not be changed: {problem.Message}");
        }
        finally
        {
            Ask(false);
            lock (_gate)
            {
                _running = null;
            }
        }

        return true;
    }

    private bool Run(Held held, Generation generation, CancellationToken cancellation)
    {
        Ask(true);
        using var mark = store.Archive.Mark(generation.Content);
        using var reader = store.Archive.NewReader();
        var manifest = store.ManifestOf(generation, reader);
        Ask(false);
        var isDone = false;
        place.Refill(held, (generations, name, remember) =>
        {
            var refill = new CacheRefill(generations, name, store.TreeOf(generation), reader, manifest, budget ?? long.MaxValue, Ask, reached);
            try
            {
                long? chosen = null;
                isDone = refill.Run(time.GetUtcNow(), () => time.GetElapsedTime(chosen ??= time.GetTimestamp()) >= AtOnce, cancellation);
            }
            finally
            {
                _changed = (_changed.Fetched + refill.Changed.Fetched, _changed.Given + refill.Changed.Given);
                if (refill.LocalBytes is { } here)
                {
                    remember(here);
                }
            }
        });
        if (isDone && _changed is var (fetched, given) && fetched + given > 0)
        {
            _changed = default;
            log(StaticNews.Prepared, string.Create(CultureInfo.InvariantCulture, $"by what was used: {fetched} files are copied here now, {given} are left to shared storage"));
        }

        return isDone;
    }

    private void Ask(bool again) => Volatile.Write(ref _waitingSince, again ? time.GetTimestamp() : Asleep);
}
