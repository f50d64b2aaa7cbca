namespace ClusterFs.Lease.Ownership;

/// <summary>A planned move that somebody asked for, and that is neither begun nor refused.</summary>
/// <param name="Until">From then on, what stands in its way refuses it.</param>
public sealed record AskedMove(MoveRequested Request, Instant Until)
{
    /// <summary>So long, what passes by itself is waited out; less than whoever asked waits for an answer.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(3);
}

/// <summary>Why a planned move is not begun.</summary>
/// <param name="Why">For people.</param>
/// <param name="Passes">It may be gone in a moment, with nothing done about it.</param>
internal sealed record MoveHindrance(string Why, bool Passes);
