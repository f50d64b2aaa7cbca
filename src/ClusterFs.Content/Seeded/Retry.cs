namespace ClusterFs.Content.Seeded;

/// <summary>When something that failed is tried again: at once with anything new, else later and later.</summary>
internal sealed class Retry(TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private (string, string) _tried;
    private TimeSpan _pause;
    private long _failedAt;

    /// <summary>It has failed, and is not due yet or was not tried yet.</summary>
    public bool IsWaiting => _pause > TimeSpan.Zero;

    /// <param name="what">What makes this attempt differ from the last one.</param>
    public bool MayTry((string, string) what)
    {
        if (_pause > TimeSpan.Zero && _tried == what && time.GetElapsedTime(_failedAt) < _pause)
        {
            return false;
        }

        if (_tried != what)
        {
            _pause = TimeSpan.Zero;
        }

        _tried = what;
        return true;
    }

    public void Failed()
    {
        _failedAt = time.GetTimestamp();
        _pause = _pause == TimeSpan.Zero ? First : TimeSpan.FromTicks(Math.Min(_pause.Ticks * 2, Longest.Ticks));
    }

    public void Succeeded() => _pause = TimeSpan.Zero;
}
