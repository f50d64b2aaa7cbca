namespace ClusterFs.Simulation;

/// <summary>
/// A process of a node: what is asked of it happens now, when it is resumed, or never. It may be stopped or killed between any two things
/// that it does.
/// </summary>
public abstract class SimulatedProcess
{
    private readonly LinkedList<Action> _whilePaused = [];
    private int _paused;
    private int _untilTrap;
    private Action? _trap;

    public bool Dead { get; private set; }

    public bool Paused => _paused > 0;

    public bool Answers => !Dead && !Paused;

    public void Run(Action action)
    {
        if (Dead)
        {
            return;
        }

        if (Paused)
        {
            _whilePaused.AddLast(action);
        }
        else
        {
            action();
        }
    }

    /// <returns>Undoes it.</returns>
    public Action Pause()
    {
        _paused++;
        return Resume;
    }

    public virtual void Kill()
    {
        Dead = true;
        _whilePaused.Clear();
        _trap = null;
    }

    /// <summary>Something befalls the process after so many more of its effects.</summary>
    public void SetTrap(int effects, Action befalls)
    {
        _untilTrap = effects;
        _trap = befalls;
    }

    public void ClearTrap() => _trap = null;

    /// <summary>Between two effects.</summary>
    /// <param name="rest">What is done after a pause; not at all after a crash.</param>
    /// <returns>Whether to go on at once.</returns>
    protected bool GoesOn(Action rest)
    {
        if (_trap is { } trap && --_untilTrap <= 0)
        {
            _trap = null;
            trap();
        }

        if (Dead)
        {
            return false;
        }

        if (Paused)
        {
            _whilePaused.AddFirst(rest);
            return false;
        }

        return true;
    }

    private void Resume()
    {
        _paused--;
        while (!Dead && !Paused && _whilePaused.First is { } next)
        {
            _whilePaused.RemoveFirst();
            next.Value();
        }
    }
}
