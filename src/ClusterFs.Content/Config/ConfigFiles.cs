using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Content.Config.Rollout;
using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Config;

/// <summary>
/// All config files of one service on this node. Each call looks at shared storage and may hang with it, and runs commands: it belongs on a thread of
/// its own, one call at a time. <see cref="States"/> may be read from anywhere.
/// </summary>
public sealed class ConfigFiles
{
    /// <summary>How long a source has to stay as it is before it is used: somebody may be writing it.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan TimerSlack = TimeSpan.FromMilliseconds(20);

    /// <summary>Above any roll-out: steps of one call.</summary>
    private const int MostSteps = 50;

    /// <summary>Somebody else was faster so many times: then that is told.</summary>
    private const int MostAsks = 10;

    /// <summary>Longer than a network file system goes on showing what was, and than a disk is full only for a moment.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly Settings _settings;
    private readonly ServiceSettings _service;
    private readonly TimeProvider _time;
    private readonly TimeSpan _quiet;
    private readonly Func<IReadOnlySet<string>> _away;
    private readonly Action _nudge;
    private readonly Action<ConfigNews, string, string> _tell;
    private readonly ImmutableArray<Watched> _files;
    private ImmutableArray<ConfigState> _states;

    /// <param name="away">The nodes for which nobody waits any more.</param>
    /// <param name="nudge">Called when the other nodes should look at once.</param>
    /// <param name="tell">Gets what happened, to which config file, and words for it.</param>
    public ConfigFiles(
        Settings settings, ServiceSettings service, TimeProvider time, Func<IReadOnlySet<string>> away, Action nudge, Action<ConfigNews, string, string> tell)
        : this(settings, service, time, away, nudge, tell, Quiet, _ => { })
    {
    }

    internal ConfigFiles(
        Settings settings,
        ServiceSettings service,
        TimeProvider time,
        Func<IReadOnlySet<string>> away,
        Action nudge,
        Action<ConfigNews, string, string> tell,
        TimeSpan quiet,
        Action<string> reached)
    {
        (_settings, _service, _time, _away, _nudge, _tell, _quiet) = (settings, service, time, away, nudge, tell, quiet);
        _files =
        [
            .. service.Config.Select(file => new Watched(
                new ConfigFile(settings, file, service.Name, time, reached),
                new ConfigSource(settings.Shared.Path, file.Source, quiet, time),
                new RolloutLog(settings.Shared.Path, Path.Combine(settings.Shared.ConfigDirectory, service.Name, file.Name), file.Name),
                time)),
        ];

        // Without a look at any disk: whoever begins must not hang with one.
        _states = [.. _files.Select(watched => new ConfigState(
            service.Name, watched.Settings.Name, watched.Settings.Source, watched.Settings.Target, null, ConfigCondition.Unknown, "nobody has looked yet", null, [], null))];
    }

    /// <summary>As of the last look at each. Thread-safe.</summary>
    public ImmutableArray<ConfigState> States => _states;

    /// <summary>Does what is this node's turn.</summary>
    /// <param name="nudged">Somebody says that there is something to be seen.</param>
    /// <returns>Whether something was just changed and should be looked at again soon.</returns>
    public bool Tend(bool nudged, CancellationToken cancellation)
    {
        var soon = false;
        foreach (var watched in _files)
        {
            soon = Tend(watched, nudged, cancellation) || soon;
        }

        return soon;
    }

    /// <summary>Begins a roll-out of each source as it is now, also of one that failed before or of which nothing is new; this node may be the first.</summary>
    /// <param name="begun">Gets the answer before this node's own turn.</param>
    public void Apply(Action<ImmutableArray<ConfigAsked>> begun, CancellationToken cancellation)
    {
        var isNew = _files.Any(watched => watched.Source.HasJustChanged());
        if (isNew)
        {
            cancellation.WaitHandle.WaitOne(_quiet + TimerSlack);
            cancellation.ThrowIfCancellationRequested();
        }

        begun([.. _files.Select(watched => Ask(watched))]);
        Tend(nudged: true, cancellation);
    }

    /// <summary>What <see cref="Apply"/> would change on this node. Changes nothing.</summary>
    public ImmutableArray<ConfigDifference> Compare() => [.. _files.Select(watched => ConfigComparison.Of(_settings.Node.Name, _service.Name, watched.File, watched.Source))];

    private bool Tend(Watched watched, bool nudged, CancellationToken cancellation)
    {
        var file = watched.File;
        var soon = false;
        RolloutState? state = null;
        try
        {
            var blocked = Finish(watched, cancellation);
            (var source, var trouble, soon) = watched.Source.Look(nudged);
            state = watched.Log.Read();
            string? waits;
            (state, waits) = Go(watched, state, source, trouble, blocked, cancellation);
            if (blocked is null && source is not null && source == state?.Rollout.Version)
            {
                file.Saw(source);
            }

            Show(watched, state, source, blocked ?? trouble, waits);
            return soon;
        }
        catch (SharedAwayException away)
        {
            watched.Source.Forget();
            Show(watched, Newest(state, watched.LastState), null, null, null, $"{away.Message}; what is in use stays");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or PlacingException)
        {
            Show(watched, Newest(state, watched.LastState), null, problem.Message, null);
        }

        return false;
    }

    /// <summary>What was written on the way to where it failed is newer than what was read first.</summary>
    private static RolloutState? Newest(RolloutState? read, RolloutState? shown) => shown is null || read?.Number > shown.Number ? read : shown;

    /// <returns>Why this node can do nothing; null when it can.</returns>
    private string? Finish(Watched watched, CancellationToken cancellation)
    {
        try
        {
            if (watched.File.Finish((version, began) => IsWanted(watched, version, began), cancellation) is { } finished)
            {
                Tell(watched, finished.Version, watched.File.Record.Failed?.Rollout ?? 0, finished.Outcome);
            }

            return null;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or PlacingException)
        {
            return problem.Message;
        }
    }

    private bool? IsWanted(Watched watched, string version, long began)
    {
        try
        {
            return watched.Log.Read() is not { } state ? null
                : state.Rollout.Began == began && state.Rollout.Version == version ? state.Rollout.Failure?.Node != _settings.Node.Name
                : state.GoodBegan == began && state.Good == version;
        }
        catch (PlacingException)
        {
            // Shared storage is away: it goes on as it was meant to.
            return null;
        }
    }

    /// <summary>Goes on until somebody else's turn comes.</summary>
    private (RolloutState? State, string? Waits) Go(
        Watched watched, RolloutState? state, string? source, string? trouble, string? blocked, CancellationToken cancellation)
    {
        var file = watched.File;
        var node = _settings.Node.Name;
        for (var step = 0; step < MostSteps; step++)
        {
            cancellation.ThrowIfCancellationRequested();
            switch (RolloutRules.Decide(state, ViewOf(watched, state, source, isSettling: source is null && trouble is null, isAsked: false)))
            {
                case RolloutStep.Begin begin:
                    state = Begin(watched, state, begin.Version);
                    break;
                case RolloutStep.Start:
                    state = Append(watched, state, RolloutRules.Start(state!.Rollout, node));
                    break;
                case RolloutStep.Use use:
                    Show(watched, state, source, null, "this node is at it");
                    var outcome = Use(watched, state!.Rollout, source, blocked, cancellation);
                    Tell(watched, use.Version, state.Rollout.Began, outcome);
                    state = Append(watched, state, RolloutRules.End(state.Rollout, node, outcome.Problem));
                    if (state is { Rollout.IsFinished: true })
                    {
                        watched.Log.Prune();
                    }

                    break;
                case RolloutStep.CatchUp when blocked is not null:
                    return (state, blocked);
                case RolloutStep.CatchUp late:
                    Tell(watched, late.Version, state!.GoodBegan, file.Use(late.Version, watched.Log.DirectoryOf(late.Version), state.GoodBegan, cancellation));
                    break;
                case RolloutStep.PassOver pass:
                    state = Append(watched, state, RolloutRules.PassOver(state!.Rollout, pass.Node));
                    _tell(ConfigNews.PassedOver, watched.Settings.Name, $"{pass.Node} is away; it takes the version when it is back");
                    break;
                case RolloutStep.Wait wait:
                    return (state, wait.For);
            }
        }

        return (state, null);
    }

    /// <summary>
    /// Takes this node's turn. What may pass is tried again for a while; then the turn ends as failed, and the others are told: a node that has begun and
    /// never says how it ended would block every later version.
    /// </summary>
    private ActivationOutcome Use(Watched watched, RolloutProgress rollout, string? source, string? blocked, CancellationToken cancellation)
    {
        // What failed before a crash is not tried again: it is told.
        if (watched.File.Record.Failed is { } failed && failed.Version == rollout.Version && failed.Rollout == rollout.Began)
        {
            return new ActivationOutcome(failed.Words, Changed: false);
        }

        try
        {
            if (blocked is not null)
            {
                throw new ConfigException(blocked);
            }

            if (source == rollout.Version)
            {
                // It may have been deleted by mistake, or by a node that slept.
                watched.Log.Publish(rollout.Version, watched.Settings.Source);
            }

            return watched.File.Use(rollout.Version, watched.Log.DirectoryOf(rollout.Version), rollout.Began, cancellation);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or PlacingException and not SharedAwayException)
        {
            if (watched.TroubledIn != rollout.Began)
            {
                (watched.TroubledIn, watched.TroubledSince) = (rollout.Began, _time.GetTimestamp());
            }

            if (_time.GetElapsedTime(watched.TroubledSince) < Patience)
            {
                throw;
            }

            return new ActivationOutcome(problem.Message, Changed: false);
        }
    }

    /// <returns>The newest state: the one that was written, or what somebody else wrote there.</returns>
    private RolloutState? Append(Watched watched, RolloutState? state, RolloutProgress rollout)
    {
        var next = RolloutRules.Follow(state, rollout, _settings.Node.Name, Guid.NewGuid().ToString("N"), _time.GetUtcNow());
        if (watched.Log.TryAppend(next))
        {
            _nudge();
            return next;
        }

        return watched.Log.Read();
    }

    /// <returns>The newest state: somebody else may have been faster, and then nothing has begun.</returns>
    private RolloutState? Begin(Watched watched, RolloutState? state, string version)
    {
        watched.Log.Publish(version, watched.Settings.Source);
        var begun = Append(watched, state, RolloutRules.Begin(version, _service.Nodes));
        if (HasJustBegun(begun, version))
        {
            watched.File.Saw(version);
            _tell(ConfigNews.Began, watched.Settings.Name, $"version {LocalVersions.Short(version)} is to go to {string.Join(", ", _service.Nodes)}, in turn");
        }

        return begun;
    }

    private static bool HasJustBegun(RolloutState? state, string version) => state is { Rollout: var rollout } && rollout.Version == version && rollout.Began == state.Number;

    private RolloutView ViewOf(Watched watched, RolloutState? state, string? source, bool isSettling, bool isAsked)
    {
        var record = watched.File.Record;
        watched.Note(state, source, _time.GetTimestamp());
        return new RolloutView(_settings.Node.Name, _service.Nodes, source, record.Seen, record.Active, record.Failed?.Version, _away(), isAsked)
        {
            Used = record.Rollout,
            IsSettling = isSettling,
            HasDiffered = watched.DiffersSince is { } since && _time.GetElapsedTime(since) >= Patience,
            IsStill = _time.GetElapsedTime(watched.StateSince) >= LongestTurn(watched.Settings),
        };
    }

    /// <summary>A node's turn takes no longer: its commands there and back, and the copying.</summary>
    private static TimeSpan LongestTurn(ConfigSettings settings) => settings.CheckTimeout + (2 * (settings.ReloadTimeout + settings.HealthyWithin)) + (2 * Patience);

    private ConfigAsked Ask(Watched watched)
    {
        var name = watched.Settings.Name;
        try
        {
            watched.File.Open();
            var (source, trouble, _) = watched.Source.Look(nudged: true);
            if (source is null)
            {
                return new ConfigAsked(_service.Name, name, 0, trouble ?? "somebody is writing it; it is used once it has stayed as it is for a few seconds");
            }

            for (var attempt = 0; attempt < MostAsks; attempt++)
            {
                var state = watched.Log.Read();
                if (RolloutRules.Decide(state, ViewOf(watched, state, source, isSettling: false, isAsked: true)) is not RolloutStep.Begin begin)
                {
                    return state?.Rollout.Version == source
                        ? new ConfigAsked(_service.Name, name, state.Number, null)
                        : new ConfigAsked(_service.Name, name, 0, $"{state?.Rollout.Running} is at another version; ask again when it has ended");
                }

                if (Begin(watched, state, begin.Version) is { } begun && HasJustBegun(begun, source))
                {
                    return new ConfigAsked(_service.Name, name, begun.Number, null);
                }
            }

            return new ConfigAsked(_service.Name, name, 0, "other nodes have begun something else each time; ask again");
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or PlacingException)
        {
            return new ConfigAsked(_service.Name, name, 0, problem.Message);
        }
    }

    private void Tell(Watched watched, string version, long began, ActivationOutcome outcome)
    {
        if (outcome.Problem is { } problem)
        {
            // Another version may well fail with the same words.
            var isNew = watched.FailedIn != (version, began);
            watched.Failures += isNew ? 1 : 0;
            watched.FailedIn = (version, began);
            if (isNew || problem != watched.ToldProblem)
            {
                _tell(ConfigNews.Failed, watched.Settings.Name, problem);
            }
        }
        else if (outcome.Changed)
        {
            watched.FailedIn = null;
            watched.Uses++;
            _tell(ConfigNews.Used, watched.Settings.Name, $"version {LocalVersions.Short(version)} is in use");
        }

        watched.ToldProblem = outcome.Problem;
    }

    private void Show(Watched watched, RolloutState? state, string? source, string? trouble, string? waits, string? away = null)
    {
        watched.LastState = state;
        var (condition, reason) = ConfigJudgement.Of(watched.File, state, source, trouble, waits, away);
        if (reason != watched.Told && condition is ConfigCondition.Drifted or ConfigCondition.Failed or ConfigCondition.Unknown && reason is not null)
        {
            _tell(condition == ConfigCondition.Drifted ? ConfigNews.Drifted : ConfigNews.Trouble, watched.Settings.Name, reason);
        }

        watched.Told = reason;
        var (record, settings) = (watched.File.Record, watched.Settings);
        var shown = new ConfigState(
            _service.Name, settings.Name, settings.Source, settings.Target, record.Active, condition, reason, record.ActivatedAt, watched.File.Kept, state)
        {
            Uses = watched.Uses,
            Failures = watched.Failures,
        };
        ImmutableInterlocked.InterlockedExchange(ref _states, _states.SetItem(_files.IndexOf(watched), shown));
    }

    /// <summary>A config file, and what was seen of it.</summary>
    private sealed class Watched(ConfigFile file, ConfigSource source, RolloutLog log, TimeProvider time)
    {
        public ConfigFile File { get; } = file;

        public ConfigSettings Settings => File.Settings;

        public RolloutLog Log { get; } = log;

        public ConfigSource Source { get; } = source;

        /// <summary>In which roll-out this node has been in trouble in its turn, and since when.</summary>
        public long TroubledIn { get; set; }

        public long TroubledSince { get; set; }

        /// <summary>Since when the newest slot is the newest one, as far as was seen.</summary>
        public long StateSince { get; private set; } = time.GetTimestamp();

        /// <summary>Since when the source has been another version than that of this very roll-out; null while it is not.</summary>
        public long? DiffersSince { get; private set; }

        public RolloutState? LastState { get; set; }

        /// <summary>What was told of last.</summary>
        public string? Told { get; set; }

        public string? ToldProblem { get; set; }

        /// <summary>Which version failed last, and in which roll-out.</summary>
        public (string Version, long Began)? FailedIn { get; set; }

        public long Uses { get; set; }

        public long Failures { get; set; }

        private (long Number, string Nonce)? Newest { get; set; }

        private (string Source, long Began)? Differing { get; set; }

        public void Note(RolloutState? state, string? source, long now)
        {
            (long, string)? newest = state is null ? null : (state.Number, state.Nonce);
            if (newest != Newest)
            {
                (Newest, StateSince) = (newest, now);
            }

            (string, long)? differing = source is null || state is null || source == state.Rollout.Version ? null : (source, state.Rollout.Began);
            if (differing != Differing)
            {
                (Differing, DiffersSince) = (differing, differing is null ? null : now);
            }
        }
    }
}
