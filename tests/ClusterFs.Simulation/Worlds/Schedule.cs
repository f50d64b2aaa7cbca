namespace ClusterFs.Simulation;

/// <summary>What is still to happen, in the order in which it will: the world's true time, which nobody in it can read.</summary>
public sealed class Schedule
{
    private readonly PriorityQueue<Action, Due> _queue = new(256);
    private long _order;

    public TimeSpan Now { get; private set; }

    public long Steps { get; private set; }

    /// <summary>Of everything that happened so far and when: equal for equal runs, on every machine.</summary>
    public ulong Hash { get; private set; } = 0xCBF29CE484222325;

    public void At(TimeSpan time, Action action) => _queue.Enqueue(action, new Due(Math.Max(time.Ticks, Now.Ticks), _order++));

    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    public void Mix(long value)
    {
        var mixed = (Hash ^ (ulong)value) * 0x9E3779B97F4A7C15;
        Hash = mixed ^ (mixed >> 29);
    }

    public void RunUntil(TimeSpan end)
    {
        while (_queue.TryPeek(out var action, out var due) && due.At <= end.Ticks)
        {
            _queue.Dequeue();
            Now = new TimeSpan(due.At);
            Steps++;
            Mix(due.At);
            action();
        }

        Now = end;
    }

    private readonly record struct Due(long At, long Order) : IComparable<Due>
    {
        public int CompareTo(Due other) => At != other.At ? At.CompareTo(other.At) : Order.CompareTo(other.Order);
    }
}
