using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Node.Content;
using ClusterFs.Node.Draining;

namespace ClusterFs.Node.Agents;

/// <summary>What every agent of a node uses.</summary>
/// <param name="Tell">Hands a command to the guard; it may be lost.</param>
/// <param name="Time">Only for the time stamps that people read.</param>
internal sealed record AgentSurroundings(
    Func<string, IServiceContent> Content, Action<SuperviseCommand> Tell, NodeBoard Board, Func<Instant> Clock, TimeProvider Time, ILogger Logger)
{
    private const int LooksAtOnce = 4;
    private const int FollowsAtOnce = 2;

    /// <summary>Apart from those at local content, which must not wait for a hung share.</summary>
    public OwnThreads LooksAtArchives { get; } = new(LooksAtOnce);

    public OwnThreads LooksAtContent { get; } = new(LooksAtOnce);

    /// <summary>First copies may take long, and take bandwidth from what services need.</summary>
    public OwnThreads Follows { get; } = new(FollowsAtOnce);

    /// <summary>Each takes room on the disk, and nothing waits for one.</summary>
    public OwnThreads Rehearsals { get; } = new(1);

    /// <summary>Where it is kept that this node is drained; its caller is one thread at a time.</summary>
    public required DrainMark Drains { get; init; }

    public OwnThreads KeepsDrains { get; } = new(1);
}
