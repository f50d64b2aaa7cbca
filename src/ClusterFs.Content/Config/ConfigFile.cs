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
        _versions = new LocalVersions(_directory, Path.GetFileName(file.Source), time);
        _target = ConfigTarget.Of(file, $"{service}/{file.Name}", _versions);
    }

    public ConfigSettings Settings => _settings;

    /// <summary>What this node remembers; <see cref="Open"/> comes first.</summary>
    public ConfigRecord Record => _record ?? ConfigRecord.Nothing;

    public ImmutableArray<string> Kept => [.. _target.Kept, .. _versions.Kept];

    /// <summary>Reads what is remembered.</summary>
    /// <exception cref="IOException">The state directory cannot be read or written.</exception>
    public void Open() => _record ??= _versions.Open();

    /// <summary>Finishes what a crash cut short; needs no shared storage.</summary>
    /// <returns>The version that it was about, and how that ended; null when nothing was under way.</returns>
    public (string Version, ActivationOutcome Outcome)? Finish(CancellationToken cancellation)
    {
        Open();
        if (Record.UnderWay is not { } underWay)
        {
            _target.Clear();
            return null;
        }

        Keep(_target.Recover(Record));
        if (underWay.Problem is { } problem)
        {
            return (underWay.Version, Retreat(underWay.Version, problem, cancellation));
        }

        return (underWay.Version, Activate(underWay.Version, cancellation));
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
    /// <exception cref="SharedAwayException">It cannot be fetched now; nothing changed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; what was under way is finished by <see cref="Finish"/>.</exception>
    public ActivationOutcome Use(string version, string root, CancellationToken cancellation)
    {
        if (Record.Active == version && Drift().IsEmpty)
        {
            Keep(Record with { Failed = null });
            return new ActivationOutcome(null, Changed: false);
        }

        try
        {
            Fetch(version, root);
            _reached("fetched");
            Prepare(version, cancellation);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or PlacingException and not SharedAwayException)
        {
            TryClear();
            return Refused(version, problem.Message, changed: false);
        }

        Keep(Record with { UnderWay = new ActivationUnderWay(version, null, [.. _target.Kept]) });
        _reached("intended");
        return Activate(version, cancellation);
    }

    /// <summary>What this node has refused it may try once more.</summary>
    public void ForgetFailure() => Keep(Record with { Failed = null });

    /// <summary>Remembers which version lay on shared storage.</summary>
    public void Saw(string version)
    {
        if (Record.Seen != version)
        {
            Keep(Record with { Seen = version });
        }
    }

    /// <summary>What is in use, by paths below its top.</summary>
    public SortedDictionary<string, byte[]> ReadActive() => Record.Active is { } active
        ? Tree.ReadAll(_versions.DirectoryOf(active), Path.GetFileName(_settings.Source))
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
            throw new SharedAwayException($"version {LocalVersions.Short(version)} is not there to be fetched: {missing.Message}", missing);
        }
        catch (IOException away) when (!Directory.Exists(root))
        {
            throw new SharedAwayException($"version {LocalVersions.Short(version)} cannot be fetched: {away.Message}", away);
        }
    }

    private void Prepare(string version, CancellationToken cancellation)
    {
        _target.RequireLocal(_shared);
        if (_settings.Kind == ConfigKind.Include)
        {
            new IncludeCycle(_settings, _versions.Path).Refuse(Tree.ReadAll(_versions.DirectoryOf(version), Path.GetFileName(_settings.Source)));
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
    }

    /// <summary>From here on it is either gone through or gone back.</summary>
    private ActivationOutcome Activate(string version, CancellationToken cancellation)
    {
        string problem;
        try
        {
            // Once more: after a crash, nothing is staged.
            var view = _target.Stage(version, Record);
            _versions.Turn(version);
            _reached("turned");
            var put = _target.Put(view, Record);
            _reached("put");
            Keep(put);
            _target.Clear();
            if (Reload(cancellation) is not { } failed)
            {
                _reached("reloaded");
                Settle(version);
                return new ActivationOutcome(null, Changed: true);
            }

            problem = failed;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or PlacingException)
        {
            problem = cause.Message;
        }

        Keep(Record with { UnderWay = Record.UnderWay! with { Problem = problem } });
        _reached("failed");
        return Retreat(version, problem, cancellation);
    }

    private void Settle(string version)
    {
        var before = Record.Active;
        Keep(Record with { Active = version, UnderWay = null, Failed = null, Original = null, ActivatedAt = _time.GetUtcNow() });
        _reached("settled");
        _versions.Prune(version, before);
    }

    private ActivationOutcome Retreat(string version, string problem, CancellationToken cancellation)
    {
        try
        {
            // The block goes before what it includes; a version comes before what includes it.
            if (Record.Active is { } active)
            {
                _versions.Turn(active);
            }

            _reached("turned back");
            Keep(_target.Retreat(Record));
            _target.Clear();
            if (Record.Active is null)
            {
                _versions.Turn(null);
            }

            _reached("gone back");
            if (Reload(cancellation) is { } again)
            {
                problem = $"{problem}; and with {(Record.Active is null ? "it taken away" : $"version {LocalVersions.Short(Record.Active)} back in its place")}: {again}";
            }
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or PlacingException)
        {
            problem = $"{problem}; and the way back is blocked, and tried again at the next start: {cause.Message}";
            Keep(Record with { Failed = new FailedVersion(version, problem, _time.GetUtcNow()) });
            return new ActivationOutcome(problem, Changed: true);
        }

        return Refused(version, problem, changed: true);
    }

    private ActivationOutcome Refused(string version, string problem, bool changed)
    {
        Keep(Record with { UnderWay = null, Failed = new FailedVersion(version, problem, _time.GetUtcNow()) });
        return new ActivationOutcome(problem, changed);
    }

    /// <returns>Why whoever reads it is not well; null when it is.</returns>
    private string? Reload(CancellationToken cancellation)
    {
        var environment = Environment(Record.UnderWay?.Version ?? "");
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

        var since = _time.GetTimestamp();
        while (true)
        {
            var left = _settings.HealthyWithin - _time.GetElapsedTime(since);
            var outcome = left > TimeSpan.Zero
                ? Command(healthy, environment).Run(left, cancellation)
                : new ShellOutcome(false, "no time was left");
            if (outcome.Succeeded)
            {
                return null;
            }

            if (_time.GetElapsedTime(since) + HealthyPause >= _settings.HealthyWithin)
            {
                return $"it was not healthy within {_settings.HealthyWithin.TotalSeconds:0.###} s: {outcome.Words}";
            }

            cancellation.WaitHandle.WaitOne(HealthyPause);
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private static ShellCommand Command(string text, Dictionary<string, string> environment) => new(text, "/", Guid.NewGuid().ToString("N"), environment);

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
