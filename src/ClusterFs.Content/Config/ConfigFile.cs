using System.Collections.Immutable;
using ClusterFs.Archive.Capture;
using ClusterFs.Configuration;
using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Config;

/// <summary>How an attempt to use a version ended.</summary>
/// <param name="Problem">Why it is not in use; null when it is.</param>
/// <param name="Changed">Something was changed.</param>
internal sealed record ActivationOutcome(string? Problem, bool Changed);

/// <summary>
/// One config file of one service on this node: which version is in use, and the way to another one. Each step is durable before the next begins,
/// so that whoever comes after a crash knows what was under way. Not for use by several threads; runs commands, and may wait as long as they do.
/// </summary>
/// <param name="reached">Called at points of the work, in tests.</param>
internal sealed class ConfigFile
{
    private static readonly TimeSpan HealthyPause = TimeSpan.FromMilliseconds(300);

    /// <summary>For so long it has to stay healthy: a reload returns before what it started serves, and until then the old processes answer.</summary>
    private static readonly TimeSpan HealthyFor = TimeSpan.FromSeconds(2);

    /// <summary>Somebody who is writing the target has ended by then.</summary>
    private const int MostAttempts = 5;

    private readonly ConfigSettings _settings;
    private readonly string _service;
    private readonly string _node;
    private readonly string _directory;
    private readonly string _shared;
    private readonly TimeProvider _time;
    private readonly Action<string> _reached;
    private readonly LocalVersions _versions;
    private readonly ConfigTarget _target;
    private ConfigRecord? _record;

    public ConfigFile(Settings settings, ConfigSettings file, string service, TimeProvider time, Action<string> reached)
    {
        (_settings, _service, _node, _time, _reached) = (file, service, settings.Node.Name, time, reached);
        _shared = settings.Shared.Path;
        _directory = Path.Combine(settings.Node.ConfigDirectory, service, file.Name);
        _versions = new LocalVersions(_directory, file.Name, time);
        _target = ConfigTarget.Of(file, $"{service}/{file.Name}", _versions, time);
    }

    public ConfigSettings Settings => _settings;

    /// <summary>What this node remembers; <see cref="Open"/> comes first.</summary>
    public ConfigRecord Record => _record ?? ConfigRecord.Nothing;

    public ImmutableArray<string> Kept => [.. _target.Kept, .. _versions.Kept];

    /// <summary>Reads what is remembered.</summary>
    /// <exception cref="IOException">The state directory cannot be read or written.</exception>
    public void Open() => _record ??= _versions.Open();

    /// <summary>
    /// Finishes what a crash cut short; needs no shared storage. What nothing had come of yet is forgotten: it begins again, with its check. What had
    /// turned is checked once more, because the node's own configuration may be another one by now.
    /// </summary>
    /// <param name="isWanted">By what the nodes know now, whether a version should still come by this roll-out; null when that cannot be told.</param>
    /// <returns>The version that it was about, and how that ended; null when nothing was under way.</returns>
    /// <exception cref="PlacingException">Nothing can be done where the target is.</exception>
    /// <exception cref="IOException">What was left cannot be put in order.</exception>
    public (string Version, ActivationOutcome Outcome)? Finish(Func<string, long, bool?> isWanted, CancellationToken cancellation)
    {
        Open();
        if (Record.UnderWay is not { } underWay)
        {
            if (_target.IsLeft)
            {
                _target.RequireTrusted();
                _target.Clear();
            }

            return null;
        }

        _target.RequireTrusted();
        var version = underWay.Version;
        if (underWay.Problem is { } problem)
        {
            return (version, Retreat(version, problem, cancellation));
        }

        Keep(_target.Recover(Record));
        if (_versions.Link == underWay.From && !_versions.IsTurnedToNewest(version))
        {
            Keep(Record with { UnderWay = null });
            return null;
        }

        try
        {
            if (isWanted(version, underWay.Rollout) == false)
            {
                throw new ConfigException("it was under way when the daemon ended, and is not wanted any more");
            }

            return (version, Activate(version, Prepare(version, cancellation), cancellation));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or PlacingException && Record.UnderWay is { Problem: null })
        {
            return (version, GoBack(version, cause.Message, cancellation));
        }
    }

    /// <summary>What is not as it was made, in words; empty when nothing is.</summary>
    public ImmutableArray<string> Drift()
    {
        var drift = ImmutableArray.CreateBuilder<string>();
        if (Record.Active is { } active)
        {
            if (!_versions.IsTurnedTo(active))
            {
                drift.Add($"{_versions.Current}: does not lead to version {LocalVersions.Short(active)} any more");
            }
            else if (!_versions.IsActiveWhole(active))
            {
                drift.Add($"{_versions.Path}: the copy was changed on this node");
            }

            if (_target.Drift(Record) is { } target)
            {
                drift.Add(target);
            }
        }

        return drift.ToImmutable();
    }

    /// <summary>Uses a version: fetches it, checks it, activates it, and goes back where it cannot stay.</summary>
    /// <param name="root">What has the version in it.</param>
    /// <param name="rollout">The number of the roll-out's first slot.</param>
    /// <exception cref="SharedAwayException">It cannot be fetched now; nothing changed.</exception>
    /// <exception cref="VersionMissingException">It is not there to be fetched, or cannot be seen yet; nothing changed.</exception>
    /// <exception cref="TargetChangedException">Somebody is changing the target all the time; nothing changed.</exception>
    /// <exception cref="IOException">A disk is full or does not answer. What was under way is finished by <see cref="Finish"/>.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; what was under way is finished by <see cref="Finish"/>.</exception>
    public ActivationOutcome Use(string version, string root, long rollout, CancellationToken cancellation)
    {
        if (Record.Active == version && Drift().IsEmpty)
        {
            Keep(Record with { Failed = null, Rollout = rollout });
            return new ActivationOutcome(null, Changed: false);
        }

        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return Try(version, root, rollout, cancellation);
            }
            catch (TargetChangedException) when (attempt < MostAttempts)
            {
                cancellation.ThrowIfCancellationRequested();
            }
            catch (PlacingException problem) when (problem is not (SharedAwayException or VersionMissingException or TargetChangedException))
            {
                TryClear();
                return Refused(version, rollout, problem.Message);
            }
        }
    }

    private ActivationOutcome Try(string version, string root, long rollout, CancellationToken cancellation)
    {
        _target.RequireTrusted();
        Fetch(version, root);
        _reached("fetched");
        var view = Prepare(version, cancellation);

        // What was checked is what was staged for the target as it was then: somebody may have been writing it since.
        if (!_target.IsAsStaged())
        {
            throw new TargetChangedException(_settings.Target);
        }

        Keep(Record with { UnderWay = new ActivationUnderWay(version, null, [.. _target.Kept], _versions.Link, view == StagedView.Unchanged, rollout) });
        _reached("intended");
        return Activate(version, view, cancellation);
    }

    /// <summary>Remembers which version lay on shared storage.</summary>
    public void Saw(string version)
    {
        if (Record.Seen != version)
        {
            Keep(Record with { Seen = version });
        }
    }

    /// <summary>What is in use, by paths below its top.</summary>
    public SortedDictionary<string, byte[]> ReadActive() => Record.Active is not null
        ? Tree.ReadAll(_versions.Current, _settings.Name)
        : [];

    /// <summary>What the target is and would be; null where no text of it is written.</summary>
    public (byte[] Before, byte[] After)? CompareTarget() => _target.Compare();

    private void Fetch(string version, string root)
    {
        try
        {
            _versions.Fetch(version, root);
        }
        catch (FileNotFoundException missing)
        {
            throw new VersionMissingException($"version {LocalVersions.Short(version)} is not on shared storage any more: {missing.Message}", missing);
        }
        catch (IOException away) when (!Directory.Exists(root))
        {
            throw new SharedAwayException($"version {LocalVersions.Short(version)} cannot be fetched: {away.Message}", away);
        }
    }

    private StagedView Prepare(string version, CancellationToken cancellation)
    {
        _target.RequireLocal(_shared);
        if (_settings.Kind == ConfigKind.Include)
        {
            new IncludeCycle(_settings, _versions.Path).Refuse(Tree.ReadAll(_versions.DirectoryOf(version), _settings.Name));
        }

        var view = _target.Stage(version, Record);
        var staged = view == StagedView.Unchanged ? null : _target.StagedDigest;
        _reached("staged");
        StagedCheck.Run(_settings, _versions, version, view, _target.Staged, Path.Combine(_directory, "check"), Environment(version), cancellation);
        if (!_versions.IsWhole(version) || (staged is not null && _target.StagedDigest != staged))
        {
            throw new ConfigException("the check changed what was staged, so nothing else changed; a check must only read it");
        }

        _reached("checked");
        return view;
    }

    /// <summary>From here on it is either gone through or gone back.</summary>
    /// <exception cref="TargetChangedException">The target was not what it was when it was checked, and all is as it was.</exception>
    private ActivationOutcome Activate(string version, StagedView view, CancellationToken cancellation)
    {
        string problem;
        try
        {
            _versions.Turn(version);
            _reached("turned");
            ConfigRecord put;
            try
            {
                put = _target.Put(view, Record);
            }
            catch (TargetChangedException)
            {
                // Nobody was told of it yet.
                TurnBack();
                Keep(Record with { UnderWay = null });
                throw;
            }

            _reached("put");
            Keep(put);
            _target.Clear();
            if (Reload(version, cancellation) is not { } failed)
            {
                _reached("reloaded");
                Settle(version);
                return new ActivationOutcome(null, Changed: true);
            }

            problem = failed;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or PlacingException and not TargetChangedException && Record.UnderWay is not null)
        {
            problem = cause.Message;
        }

        return GoBack(version, problem, cancellation);
    }

    private void Settle(string version)
    {
        var before = Record.Active;
        Keep(Record with
        {
            Active = version, Rollout = Record.UnderWay!.Rollout, UnderWay = null, Failed = null, Original = null, ActivatedAt = _time.GetUtcNow(),
        });
        _reached("settled");
        try
        {
            _versions.Prune(version, before);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // The next version does it.
        }
    }

    private ActivationOutcome GoBack(string version, string problem, CancellationToken cancellation)
    {
        Keep(Record with { UnderWay = Record.UnderWay! with { Problem = problem } });
        _reached("failed");
        return Retreat(version, problem, cancellation);
    }

    private void TurnBack()
    {
        if (Record.UnderWay?.From is { } from)
        {
            _versions.TurnTo(from);
        }
        else
        {
            _versions.Turn(Record.Active);
        }
    }

    private ActivationOutcome Retreat(string version, string problem, CancellationToken cancellation)
    {
        try
        {
            // What was displaced may not have been kept yet: the disk was full.
            Keep(_target.Recover(Record));

            // The block goes before what it includes; a version comes before what includes it.
            if (Record.Active is not null)
            {
                TurnBack();
            }

            _reached("turned back");
            Keep(_target.Retreat(Record));
            _target.Clear();
            if (Record.Active is null)
            {
                TurnBack();
            }

            _reached("gone back");
            if (Reload(Record.Active ?? "", cancellation) is { } again)
            {
                problem = $"{problem}; and with {(Record.Active is null ? "it taken away" : $"version {LocalVersions.Short(Record.Active)} back in its place")}: {again}";
            }
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or PlacingException)
        {
            problem = $"{problem}; and the way back is blocked, and tried again and again: {cause.Message}";
            Keep(Record with { Failed = new FailedVersion(version, problem, Record.UnderWay!.Rollout, _time.GetUtcNow()) });
            return new ActivationOutcome(problem, Changed: true);
        }

        var rollout = Record.UnderWay!.Rollout;
        Keep(Record with { UnderWay = null, Failed = new FailedVersion(version, problem, rollout, _time.GetUtcNow()) });
        return new ActivationOutcome(problem, Changed: true);
    }

    /// <summary>Nothing has changed. Where that cannot be remembered, it is at least told.</summary>
    private ActivationOutcome Refused(string version, long rollout, string problem)
    {
        try
        {
            Keep(Record with { UnderWay = null, Failed = new FailedVersion(version, problem, rollout, _time.GetUtcNow()) });
        }
        catch (Exception full) when (full is IOException or UnauthorizedAccessException)
        {
            return new ActivationOutcome($"{problem}; and that cannot be remembered: {full.Message}", Changed: false);
        }

        return new ActivationOutcome(problem, Changed: false);
    }

    /// <returns>Why whoever reads it is not well; null when it is.</returns>
    private string? Reload(string version, CancellationToken cancellation)
    {
        var environment = Environment(version);
        if (_settings.Reload is { } reload)
        {
            var outcome = Command(reload, environment).Run(_settings.ReloadTimeout, cancellation);
            if (!outcome.Succeeded)
            {
                return $"the reload failed: {outcome.Words}";
            }
        }

        if (_settings.Healthy is not { } healthy)
        {
            return null;
        }

        return Watch(healthy, environment, cancellation);
    }

    /// <summary>Until it has been healthy for some time without a break.</summary>
    private string? Watch(string healthy, Dictionary<string, string> environment, CancellationToken cancellation)
    {
        var since = _time.GetTimestamp();
        long? healthySince = null;
        while (true)
        {
            var left = _settings.HealthyWithin + HealthyFor - _time.GetElapsedTime(since);
            var outcome = left > TimeSpan.Zero
                ? Command(healthy, environment).Run(left, cancellation)
                : new CommandOutcome(false, "no time was left");
            if (outcome.Succeeded)
            {
                if (_time.GetElapsedTime(healthySince ??= _time.GetTimestamp()) >= HealthyFor)
                {
                    return null;
                }
            }
            else
            {
                if (_time.GetElapsedTime(since) + HealthyPause >= _settings.HealthyWithin)
                {
                    return healthySince is null
                        ? $"it was not healthy within {_settings.HealthyWithin.TotalSeconds:0.###} s: {outcome.Words}"
                        : $"it did not stay healthy for {HealthyFor.TotalSeconds:0} s: {outcome.Words}";
                }

                healthySince = null;
            }

            cancellation.WaitHandle.WaitOne(HealthyPause);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private static BoundedCommand Command(string text, Dictionary<string, string> environment) => BoundedCommand.OfShell(text, "/", Guid.NewGuid().ToString("N"), environment);

    private Dictionary<string, string> Environment(string version) => new(StringComparer.Ordinal)
    {
        ["CLUSTERFS_SERVICE"] = _service,
        ["CLUSTERFS_NODE"] = _node,
        ["CLUSTERFS_CONFIG"] = _settings.Name,
        ["CLUSTERFS_VERSION"] = version,
        ["CLUSTERFS_PATH"] = _versions.Path,
    };

    private void Keep(ConfigRecord record)
    {
        if (record != _record)
        {
            _versions.Keep(record);
            _record = record;
        }
    }

    private void TryClear()
    {
        try
        {
            _target.Clear();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            // It is cleared before the next version is staged.
        }
    }
}
