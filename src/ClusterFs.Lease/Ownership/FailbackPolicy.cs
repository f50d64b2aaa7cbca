namespace ClusterFs.Lease.Ownership;

/// <summary>When a service goes back to the first of its nodes by itself. Decides on a planned move, which loses nothing whenever it happens.</summary>
public sealed record FailbackPolicy(FailbackMode Mode)
{
    /// <summary>In a window too, the node has to have been fit for a moment.</summary>
    private static readonly TimeSpan FitInWindow = TimeSpan.FromMinutes(1);

    public static FailbackPolicy Never { get; } = new(FailbackMode.Never);

    /// <summary>A move back that did not come off is not tried again before.</summary>
    public static TimeSpan TryAgainAfter { get; } = TimeSpan.FromHours(1);

    /// <summary>With <see cref="FailbackMode.After"/>: the node has been fit for so long.</summary>
    public TimeSpan After { get; init; }

    /// <summary>With <see cref="FailbackMode.Window"/>: a time of day, local to whoever decides.</summary>
    public TimeOnly From { get; init; }

    /// <summary>The end of the window; before <see cref="From"/> where midnight is in it.</summary>
    public TimeOnly Until { get; init; }

    /// <summary>Whether the node has to have a copy of about the newest dump.</summary>
    public bool NeedsCopy { get; init; }

    internal TimeSpan FitFor => Mode == FailbackMode.Window ? FitInWindow : After;

    /// <summary>Until the window opens; zero while it is open.</summary>
    internal TimeSpan Opens(TimeOnly local) =>
        Mode != FailbackMode.Window || local.IsBetween(From, Until) ? TimeSpan.Zero : From - local;
}

public enum FailbackMode
{
    /// <summary>It stays where it is.</summary>
    Never,

    /// <summary>It stays, and status says when it could go back.</summary>
    Manual,

    /// <summary>When its node has been fit for a time.</summary>
    After,

    /// <summary>When its node is fit, in a part of the day.</summary>
    Window,
}
