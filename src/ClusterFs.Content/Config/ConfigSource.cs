using ClusterFs.Content.Placing;

namespace ClusterFs.Content.Config;

/// <summary>A source on shared storage, and what was seen of it. Each look may hang with shared storage. Not thread-safe.</summary>
/// <param name="root">Where shared storage is mounted.</param>
/// <param name="source">A file or directory, relative to it.</param>
/// <param name="quiet">How long it has to stay as it is before it is used: somebody may be writing it.</param>
internal sealed class ConfigSource(string root, string source, TimeSpan quiet, TimeProvider time)
{
    private readonly Settled<TreeIdentity, string> _seen = new(time);
    private readonly Share _looks = new(time);
    private readonly Share _glances = new(time);
    private string? _version;
    private string? _trouble;

    /// <summary>Why the last look did not come to its end; null when it did.</summary>
    private string? _unseen;
    private bool _isSettling;

    private string FullPath => Path.Combine(root, source);

    /// <summary>Whether it may have changed just now; notes what is there.</summary>
    public bool HasJustChanged()
    {
        try
        {
            var identity = Identity(anew: true);
            _seen.Note(identity);
            return !_seen.HasStayed(identity, quiet);
        }
        catch (PlacingException)
        {
            return false;
        }
    }

    /// <summary>What was seen says nothing any more.</summary>
    public void Forget() => _seen.Forget();

    /// <returns>The version that may be used; why there is none; whether it should be looked at again soon.</returns>
    /// <param name="nudged">
    /// Somebody says that there is something to be seen. Otherwise, of a tree that takes its time, only what this machine remembers of it is looked at
    /// most of the time, and that not too often either. What has just changed is not waited for like that.
    /// </param>
    /// <exception cref="SharedAwayException">Shared storage does not answer.</exception>
    public (string? Version, string? Trouble, bool Soon) Look(bool nudged)
    {
        if (nudged || _isSettling || _looks.IsDue || (_glances.IsDue && !_glances.Take(IsAsItWas)))
        {
            LookAnew();
        }

        return (_version, _trouble, _isSettling);
    }

    private bool IsAsItWas()
    {
        var (identity, unseen) = See(anew: false);
        return identity is { } its ? _unseen is null && _seen.IsKnown(its) : unseen == _unseen;
    }

    private void LookAnew()
    {
        (_version, _trouble, _isSettling) = (null, null, false);
        (var identity, _unseen) = _looks.Take(() => See(anew: true));
        try
        {
            _version = identity is { } its ? VersionOf(its) : throw new ConfigException(_unseen!);
        }
        catch (PlacingException problem) when (problem is not SharedAwayException)
        {
            _trouble = $"the source cannot be used, and what is in use stays: {problem.Message}";
        }
    }

    /// <returns>Null while it has not stayed as it is for long enough.</returns>
    private string? VersionOf(TreeIdentity identity)
    {
        if (!_seen.HasStayed(identity, quiet))
        {
            _seen.Note(identity);
            _isSettling = true;
            return null;
        }

        return identity.Bytes > 0
            ? _seen.Get(identity, ReadVersion)
            : throw new ConfigException($"{FullPath}: is empty, and may be about to be written, or what it should be is not mounted");
    }

    /// <returns>What is there, or why that cannot be told.</returns>
    private (TreeIdentity? Identity, string? Unseen) See(bool anew)
    {
        try
        {
            return (Identity(anew), null);
        }
        catch (PlacingException problem) when (problem is not SharedAwayException)
        {
            return (null, problem.Message);
        }
    }

    /// <summary>As it is now, settled or not.</summary>
    /// <exception cref="PlacingException">It cannot be used.</exception>
    public string ReadVersion() => Reach(() => Tree.VersionOf(root, source));

    /// <summary>Its files, by path below it; a source that is a file has the empty path.</summary>
    /// <exception cref="PlacingException">It cannot be used.</exception>
    public IReadOnlyDictionary<string, byte[]> ReadAll() => Reach(() => Tree.ReadAll(root, source));

    private TreeIdentity Identity(bool anew) => Reach(() => Tree.Look(root, source, anew));

    private T Reach<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (FileNotFoundException missing) when (Directory.Exists(Path.Combine(root, "clusterfs")))
        {
            throw new ConfigException(missing.Message, missing);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw new SharedAwayException($"shared storage at {root} is away: {FullPath}: {problem.Message.TrimEnd('.')}", problem);
        }
    }

    /// <summary>Something that may take long: at most one in so many parts of the time goes into it.</summary>
    private sealed class Share(TimeProvider time)
    {
        private const int Parts = 20;

        private long? _began;
        private TimeSpan _took;

        public bool IsDue => _began is not { } began || time.GetElapsedTime(began) >= _took * Parts;

        public T Take<T>(Func<T> action)
        {
            var began = time.GetTimestamp();
            var result = action();

            // Where storage was away, it is done again, however long it took.
            (_began, _took) = (began, time.GetElapsedTime(began));
            return result;
        }
    }
}
