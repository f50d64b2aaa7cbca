using System.Collections.Immutable;
using System.Globalization;
using ClusterFs.Archive.Manifests;
using ClusterFs.Configuration;
using ClusterFs.Content.Seeded;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>
/// One static content on this node, for the life of the process. One thread looks at shared storage and prepares what is new; another switches, which
/// touches the local disk alone: what hangs with shared storage keeps a switch that is ready from nothing. Safe for use by several threads.
/// </summary>
public sealed class StaticContent : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(2);

    private readonly Settings _settings;
    private readonly StaticSettings _content;
    private readonly string _service;
    private readonly TimeProvider _time;
    private readonly IStaticSurroundings _around;
    private readonly StaticStore _store;
    private readonly StaticPlace _place;
    private readonly StaticRefill _refill;
    private readonly ImmutableArray<string> _others;
    private readonly CancellationTokenSource _stopping = new();
    private readonly AutoResetEvent _lookNow = new(initialState: false);
    private readonly AutoResetEvent _decideNow = new(initialState: false);
    private readonly TaskCompletionSource _caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();

    /// <summary>Of what is read of the link, and is then remembered: it must not be older than what the other thread has just switched to.</summary>
    private readonly Lock _placeGate = new();
    private readonly Thread _looking;
    private readonly Thread _switching;
    private readonly Retry _retry;
    private StaticKnowledge _known;
    private string? _unnoted;

    public StaticContent(Settings settings, ServiceSettings service, StaticSettings content, TimeProvider time, IStaticSurroundings around)
        : this(settings, service, content, time, around, _ => { })
    {
    }

    /// <param name="reached">Called at points of the work, in tests.</param>
    internal StaticContent(
        Settings settings, ServiceSettings service, StaticSettings content, TimeProvider time, IStaticSurroundings around, Action<string> reached)
    {
        (_settings, _service, _content, _time, _around) = (settings, service.Name, content, time, around);
        _store = new StaticStore(settings.Shared, service.Name, content.Name, time, reached);
        _retry = new Retry(time);
        _place = new StaticPlace(content.Path, reached);
        _refill = new StaticRefill(_store, _place, content.Budget, time, (news, words) => around.Log(news, service.Name, content.Name, words), reached);
        _others = [.. service.Nodes.Where(node => node != settings.Node.Name)];
        _known = new StaticKnowledge(null, null, 0, 0, null, null, time.GetTimestamp(), null);
        _looking = new Thread(Look) { IsBackground = true, Name = $"static {service.Name}/{content.Name}" };
        _switching = new Thread(SwitchWhenReady) { IsBackground = true, Name = $"switch {service.Name}/{content.Name}" };
    }

    public string Service => _service;

    public string Name => _content.Name;

    /// <summary>Ends when what other nodes serve is served here too, as far as shared storage tells; never while that is away.</summary>
    public Task CaughtUp => _caughtUp.Task;

    private HeldForm Form => _content.Cache == CacheKind.None ? HeldForm.Shared : _content.Budget is null ? HeldForm.Copy : HeldForm.Part;

    public NodeSighting Sighting
    {
        get
        {
            lock (_gate)
            {
                return _known.Newest is { } newest
                    ? new NodeSighting(
                        _settings.Node.Name, newest.Number, _known.Ready?.Line == newest.Line ? _known.Ready.Number : 0, _known.CurrentIn(newest), _known.Failed, newest.Line)
                    : new NodeSighting(_settings.Node.Name, 0, 0, _known.Served?.Number ?? 0, _known.Failed, _known.ServedLine ?? "");
            }
        }
    }

    /// <summary>As of the last look; never waits.</summary>
    public StaticState State
    {
        get
        {
            StaticKnowledge known;
            lock (_gate)
            {
                known = _known;
            }

            return known.Draw(_service, _content, _time, _refill.WaitingSince);
        }
    }

    public void Start()
    {
        _looking.Start();
        _switching.Start();
    }

    /// <summary>Something was published, or another node has seen something newer.</summary>
    public void LookNow()
    {
        _lookNow.Set();
        _refill.Interrupt();
    }

    /// <summary>Another node has said something.</summary>
    public void DecideNow() => _decideNow.Set();

    public void Dispose()
    {
        _stopping.Cancel();
        _lookNow.Set();
        _decideNow.Set();
        var ended = !_looking.IsAlive || _looking.Join(EndPatience);
        ended = (!_switching.IsAlive || _switching.Join(EndPatience)) && ended;
        if (ended)
        {
            _stopping.Dispose();
            _lookNow.Dispose();
            _decideNow.Dispose();
        }
    }

    private void Look()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                LookOnce(_stopping.Token);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it is, it is said, and tried again: the daemon goes on.
            catch (Exception problem)
#pragma warning restore CA1031
            {
                Fail(WordsFor(problem), _known.FailedToPrepare);
            }

            _lookNow.WaitOne(_settings.Static.PollEvery);
        }
    }

    /// <summary>Looks at shared storage, prepares what is new, and notes what is served. May hang with it.</summary>
    internal void LookOnce(CancellationToken cancellation)
    {
        _refill.Resume();
        LookAtPlace();
        Change(known => known with { LookingSince = _time.GetTimestamp() });
        var sight = _store.Look(cancellation);
        Change(known => known with
        {
            Newest = sight.Newest,
            Switched = known.Newest?.Line == sight.Newest?.Line ? Math.Max(known.Switched, sight.Switched) : sight.Switched,
            Failed = known.Newest?.Line == sight.Newest?.Line ? known.Failed : 0,
            SeenAt = _time.GetTimestamp(),
            LookingSince = null,
        });
        if (sight.Newest is { } newest)
        {
            var held = Held.Of(newest, Form);
            if (_known.Prepared != held || !_place.Holds(held))
            {
                Tell();
                _place.Open();
                if (!_place.Holds(held))
                {
                    if (!TryAtTimes(held.Name, () => Prepare(held, newest, cancellation)))
                    {
                        return;
                    }
                }

                if (held.Form != HeldForm.Copy)
                {
                    NoteServing();
                    _store.RequireKept(newest);
                }

                // Where one newer generation follows the other, the wait does not begin anew with each.
                Change(known => known with
                {
                    Prepared = held,
                    Ready = newest,
                    PreparedSince = known.Prepared is null || known.Prepared == known.Served ? _time.GetTimestamp() : known.PreparedSince,
                    Failed = 0,
                    Problem = null,
                });
                _decideNow.Set();
                Tell();
            }
            else if (held.Form != HeldForm.Copy && _store.FindTree(newest) is null)
            {
                // Shared storage was restored without it, or this node was out of the configuration for long: links lead nowhere.
                if (!TryAtTimes($"tree of {held.Name}", () => _ = _store.MakeTree(newest, null, (_, _) => { }, cancellation)))
                {
                    return;
                }
            }

            _place.CleanUp(_known.Prepared);
            NoteCaughtUp();
            NoteForOthers(newest, sight.Switched);
        }

        Change(known => known.Failed == 0 ? known with { Problem = null } : known);
        NoteCaughtUp();

        // Last: nobody waits for it.
        if (Form == HeldForm.Part && sight.Newest is { } kept && _refill.RunIfDue(Held.Of(kept, Form), kept, cancellation))
        {
            LookAtPlace();
        }
    }

    /// <returns>False when it failed not long ago.</returns>
    private bool TryAtTimes(string what, Action action)
    {
        if (!_retry.MayTry((what, string.Empty)))
        {
            return false;
        }

        try
        {
            action();
        }
        catch
        {
            _retry.Failed();
            throw;
        }

        _retry.Succeeded();
        return true;
    }

    /// <summary>What others see of this node, between two looks, is what was seen here.</summary>
    private void LookAtPlace()
    {
        lock (_placeGate)
        {
            var served = _place.Served;
            var record = served is { } its ? _place.RecordOf(its) : null;
            var (since, kept) = (_place.ServedSince, _place.Kept);
            Change(known => known with { Served = served, ServedLine = record?.Line, Record = record, ServedSince = since, Kept = [.. kept] });
        }
    }

    private void Prepare(Held held, Generation generation, CancellationToken cancellation)
    {
        var started = _time.GetTimestamp();

        // After a rollback the same files may be here still.
        var before = _place.All.Where(one => one.Form != HeldForm.Shared && one != held)
            .OrderByDescending(one => one.Key == held.Key).ThenByDescending(one => one.Number).Select(one => (Held?)one).FirstOrDefault();
        var words = "served from shared storage";
        if (held.Form == HeldForm.Shared)
        {
            // It may have been published where nobody served it from there.
            _ = _store.MakeTree(generation, null, (_, _) => { }, cancellation);
            _place.Prepare(held, generation, path =>
            {
                File.CreateSymbolicLink(path, _store.TreeOf(generation));
                return null;
            });
        }
        else
        {
            if (held.Form == HeldForm.Part)
            {
                _ = _store.MakeTree(generation, null, (_, _) => { }, cancellation);
            }

            using var mark = _store.Archive.Mark(generation.Content);
            using var reader = _store.Archive.NewReader();
            var manifest = _store.ManifestOf(generation, reader);
            var written = before is { } base_ ? new WrittenGeneration(_place.PathOf(base_), EntriesOf(base_, reader)) : null;
            var writer = new GenerationWriter(reader, manifest, written) { Part = held.Form == HeldForm.Part ? (_refill.Choose(manifest, before), _store.TreeOf(generation)) : null };
            using var disk = FileSystemSync.Before(_place.Local);
            _place.Prepare(held, generation, path =>
            {
                writer.Write(path, (_, _) => { }, cancellation);
                disk.Complete();
                return held.Form == HeldForm.Part ? writer.LocalBytes : null;
            });
            words = string.Create(
                CultureInfo.InvariantCulture,
                $"{generation.Content.Files} files, {writer.Linked} of them as before, {writer.Written} bytes written{(held.Form == HeldForm.Part ? $", {generation.Content.Bytes - writer.LocalBytes} left to shared storage" : "")}");
            _refill.Chosen();
        }

        _around.Log(
            StaticNews.Prepared,
            _service,
            Name,
            string.Create(CultureInfo.InvariantCulture, $"generation {held.Number} is ready after {_time.GetElapsedTime(started).TotalSeconds:0.0} s: {words}"));
    }

    private IEnumerable<ManifestEntry>? EntriesOf(Held held, Archive.Packs.PackReader reader) =>
        _place.RecordOf(held) is { } record && _store.Find(record.Files, _stopping.Token) is { } generation ? _store.EntriesOf(generation, reader) : null;

    private void SwitchWhenReady()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                SwitchIfReady();
            }
#pragma warning disable CA1031 // Whatever it is, it is said, and tried again: the daemon goes on.
            catch (Exception problem)
#pragma warning restore CA1031
            {
                Fail(WordsFor(problem), _known.Prepared?.Number ?? 0);
            }

            _decideNow.WaitOne(Tick);
        }
    }

    /// <summary>Touches the local disk alone.</summary>
    internal void SwitchIfReady()
    {
        var known = _known;
        if (known is not { Prepared: { } prepared, Ready: { } ready } || prepared == known.Served)
        {
            return;
        }

        // The same generation in another form is nobody else's business.
        var decision = known.Served?.IsOf(ready) == true
            ? new SwitchDecision(Now: true, "the configuration of its cache has changed")
            : SwitchRules.Decide(new SwitchView(
                prepared.Number,
                known.CurrentIn(ready),
                known.Newest?.Line == ready.Line ? known.Switched : 0,
                _others,
                _around.Reachable,
                _around.SightingsOf(_service, Name),
                _time.GetElapsedTime(known.PreparedSince),
                _settings.Static.SwitchTimeout,
                ready.Line));
        if (!decision.Now)
        {
            Change(now => now with { Waiting = decision.Because });
            return;
        }

        lock (_placeGate)
        {
            if (!_place.Switch(prepared))
            {
                // Cleaned away, for a newer one that is ready.
                return;
            }

            LookAtPlace();
            Change(now => now with { Served = prepared, ServedLine = ready.Line, Waiting = null, Failed = 0, Problem = null, Switches = now.Switches + 1 });
        }

        Tell();
        NoteCaughtUp();
        _around.Log(
            StaticNews.Switched, _service, Name, string.Create(CultureInfo.InvariantCulture, $"generation {prepared.Number} is served, because {decision.Because}"));

        // Whoever is away has to find out.
        _lookNow.Set();
    }

    /// <summary>Notes that cannot be written (read-only storage, a quota) make no node less current: they are tried again with the next look.</summary>
    private void NoteForOthers(Generation newest, long switched)
    {
        var known = _known;
        try
        {
            var current = known.CurrentIn(newest);
            if (current > switched && current <= newest.Number)
            {
                _store.NoteSwitched(current, newest.Line);
                Change(now => now with { Switched = Math.Max(now.Switched, current) });
            }

            NoteServing();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            if (_unnoted != problem.Message)
            {
                _unnoted = problem.Message;
                _around.Log(StaticNews.Failed, _service, Name, $"what is served here could not be noted for other nodes: {problem.Message}");
            }
        }
    }

    /// <summary>All that links lead to which are held: whatever is switched to meanwhile, or was just switched from, is among them.</summary>
    private void NoteServing() => _store.NoteServing(_settings.Node.Name, _place.All.Select(_place.SharedFilesOf).OfType<string>());

    /// <summary>A generation that cannot be had here is not worth waiting for.</summary>
    private void NoteCaughtUp()
    {
        var known = _known;
        if (known.SeenAt is not null && (known.Newest is not { } newest || known.CurrentIn(newest) >= known.Switched || known.Failed >= newest.Number))
        {
            _caughtUp.TrySetResult();
        }
    }

    private static string WordsFor(Exception problem) => problem is IOException or UnauthorizedAccessException ? problem.Message : problem.ToString();

    private void Fail(string problem, long failed)
    {
        var isNew = _known.Problem != problem;
        Change(known => known with { Problem = problem, Failed = failed });
        NoteCaughtUp();
        if (isNew)
        {
            _around.Log(StaticNews.Failed, _service, Name, problem);
            Tell();
        }
    }

    private void Tell() => _around.Tell(_service, Name, Sighting);

    private void Change(Func<StaticKnowledge, StaticKnowledge> change)
    {
        lock (_gate)
        {
            _known = change(_known);
        }
    }
}
