namespace ClusterFs.Simulation;

/// <summary>Who runs the service's writer, in true time: the invariant that everything else exists for.</summary>
public sealed class WriterLedger(Schedule schedule, Trace trace)
{
    private (string Node, long Epoch)? _running;

    public long Starts { get; private set; }

    public (string Node, long Epoch)? Running => _running;

    public void Start(string node, long epoch)
    {
        trace.Write(node, $"the service starts under epoch {epoch}");
        if (_running is { } other)
        {
            throw new ViolationException(
                $"two writers: {node} starts under epoch {epoch} while {other.Node} writes under epoch {other.Epoch}, at {schedule.Now.TotalSeconds:F4} s");
        }

        _running = (node, epoch);
        Starts++;
    }

    public void End(string node, long epoch)
    {
        if (_running == (node, epoch))
        {
            trace.Write(node, $"the service of epoch {epoch} is dead");
            _running = null;
        }
    }
}
