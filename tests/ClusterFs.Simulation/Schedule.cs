namespace ClusterFs.Simulation;

/// <summary>What happens when, in the simulated world's true time, which nobody in it can read.</summary>
public sealed class Schedule
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Order)> _queue = new();
    private long _order;

    public TimeSpan Now { get; private set; }

    public long Steps { get; private set; }

    public void At(TimeSpan time, Action action) => _queue.Enqueue(action, (time < Now ? Now : time, _order++));

    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    public void RunUntil(TimeSpan end)
    {
        while (_queue.TryPeek(out var action, out var key) && key.At <= end)
        {
            _queue.Dequeue();
            Now = key.At;
            Steps++;
            action();
        }

        Now = end;
    }
}
