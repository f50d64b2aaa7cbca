namespace ClusterFs.Content.Placing;

/// <summary>
/// What was read of a file, for as long as the file's identity stays. A file system stamps changes by a clock that ticks, up to two seconds
/// apart, so what was read shortly after a change is read again: the identity may hide another one.
/// </summary>
internal sealed class Settled<TIdentity, TValue>(TimeProvider time)
    where TIdentity : struct, IEquatable<TIdentity>
{
    private static readonly TimeSpan LongestTick = TimeSpan.FromSeconds(3);

    private TIdentity? _identity;
    private long _since;
    private (TValue Value, bool Final)? _read;

    /// <summary>Whether this is the identity of the last call.</summary>
    public bool IsKnown(TIdentity identity) => _identity?.Equals(identity) == true;

    /// <summary>Whether it has had this identity, as far as was seen, for at least so long.</summary>
    public bool HasStayed(TIdentity identity, TimeSpan atLeast) => IsKnown(identity) && time.GetElapsedTime(_since) >= atLeast;

    /// <summary>Notes an identity without reading.</summary>
    public void Note(TIdentity identity)
    {
        if (!IsKnown(identity))
        {
            _identity = identity;
            _since = time.GetTimestamp();
            _read = null;
        }
    }

    /// <param name="identity">As of now.</param>
    /// <param name="read">Reads it; what it throws is thrown again, and tried anew by the next call.</param>
    public TValue Get(TIdentity identity, Func<TValue> read)
    {
        Note(identity);
        if (_read is { Final: true } known)
        {
            return known.Value;
        }

        var final = time.GetElapsedTime(_since) > LongestTick;
        var value = read();
        _read = (value, final);
        return value;
    }

    public void Forget() => _identity = null;
}
