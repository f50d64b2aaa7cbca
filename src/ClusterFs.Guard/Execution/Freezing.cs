using ClusterFs.Lease;

namespace ClusterFs.Guard.Execution;

/// <summary>
/// The freezing of a service whose lease runs out, in place of its killing. It counts only once the kernel has confirmed it, and before
/// killing would begin: what is not confirmed by then is killed, with all the time that killing has. Nothing here thaws: what is frozen can
/// be killed as it is. Not thread-safe.
/// </summary>
/// <param name="group">Of the service; what is found outside of it is killed.</param>
/// <param name="beginsAt">Until then the service may end by itself.</param>
/// <param name="until">When what is not confirmed is killed.</param>
internal sealed class Freezing(ControlGroup group, Instant beginsAt, Instant until)
{
    /// <summary>A search of the processes is not of one moment, so that one alone may miss a process: the same holds for the dead.</summary>
    private const int SearchesThatConfirm = 2;

    private int _complete;

    /// <summary>Freezing has the second half of the time between the first signal and the killing: a busy machine freezes slowly.</summary>
    public static Freezing Of(ControlGroup group, Instant stopAt, Instant killAt) =>
        new(group, killAt - ((killAt.Boottime - stopAt.Boottime) / 2), killAt);

    public Instant BeginsAt => beginsAt;

    public bool HasBegun { get; private set; }

    /// <summary>Everything was seen frozen in time.</summary>
    public bool IsConfirmed => _complete >= SearchesThatConfirm;

    /// <summary>The group, once confirmed.</summary>
    public string? FrozenGroup => IsConfirmed ? group.Directory : null;

    /// <summary>One step, after each search of the processes.</summary>
    /// <param name="found">Everything of the service that is alive.</param>
    /// <param name="problems">What <see cref="ServiceProcesses.Kill"/> returns.</param>
    /// <returns>False when it is too late, and everything has to be killed.</returns>
    public bool TryAdvance(ServiceProcesses processes, IReadOnlySet<int> found, Func<Instant> now, out IReadOnlyList<string> problems)
    {
        HasBegun = true;
        var frozen = group.TryFreeze() && group.IsFrozen;
        var inside = new HashSet<int>();
        group.AddProcesses(inside);
        var outside = found.Where(process => !inside.Contains(process)).ToList();
        problems = processes.KillEach(outside);
        _complete = frozen && outside.Count == 0 ? _complete + 1 : 0;

        // Asked last: what took too long has not confirmed anything.
        return !until.MayHaveComeBy(now());
    }
}
