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
    /// most of the time, and that not too often either.
    /// </param>
    /// <exception cref="SharedAwayException">Shared storage does not answer.</exception>
    public (string? Version, string? Trouble, bool Soon) Look(bool nudged)
    {
        if (nudged || _looks.IsDue || (_version is not null && _glances.IsDue && !_glances.Take(IsAsItWas)))
        {
            _looks.Take(LookAnew);
        }

        return (_version, _trouble, _isSettling);
    }

    private bool IsAsItWas()
    {
        try
        {
            return _seen.IsKnown(Identity(anew: false));
        }
        catch (PlacingException problem) when (problem is not SharedAwayException)
        {
            return false;
        }
    }

    private bool LookAnew()
    {
        (_version, _trouble, _isSettling) = (null, null, false);
        try
        {
            var identity = Identity(anew: true);
            if (!_seen.HasStayed(identity, quiet))
            {
                _seen.Note(identity);
                _isSettling = true;
            }
            else
            {
                if (identity.Bytes == 0)
                {
                    throw new ConfigException($"{FullPath}: is empty, and may be about to be written, or what it should be is not mounted");
                }

                _version = _seen.Get(identity, ReadVersion);
            }
        }
        catch (PlacingException problem) when (problem is not SharedAwayException)
        {
            _trouble = $"the source cannot be used, and what is in use stays: {problem.Message}";
        }

        return _trouble is null;
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

        public bool Take(Func<bool> action)
        {
            var began = time.GetTimestamp();
            var result = action();

            // One that failed is done again, however long it took: storage was away.
            (_began, _took) = (began, time.GetElapsedTime(began));
            return result;
        }
    }
}
