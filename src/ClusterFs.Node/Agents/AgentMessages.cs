using Akka.Actor;
using ClusterFs.Node.Content;
using ClusterFs.Node.Guards;

namespace ClusterFs.Node.Agents;

// What the actors of one node say to one another. None of it leaves the process.

/// <summary>What the guard says of a service; null when it does not answer.</summary>
internal sealed record GuardHeard(GuardReport? Report);

/// <summary>The way to the ownership actors is open.</summary>
internal sealed record RegionReady(IActorRef Region);

/// <summary>A node came or went, or is reached or not reached any more.</summary>
internal sealed record ClusterChanged
{
    public static ClusterChanged Instance { get; } = new();
}

/// <summary>The daemon is being stopped: end the service in order. Answered with <see cref="AgentIdle"/> when nothing of it is left.</summary>
internal sealed record EndService;

internal sealed record AgentIdle(string Service);

/// <summary>An agent begins, or begins again, and knows nothing yet.</summary>
internal sealed record AgentStarted(string Service);

/// <summary>This node is drained, or is not any more.</summary>
internal sealed record DrainChanged(bool Drained);

/// <summary>Somebody wants a dump now. Answered with <see cref="DumpNowAnswered"/>.</summary>
internal sealed record DumpNow(string Service);

/// <param name="Refused">Why there is nothing to dump here; null when it was tried.</param>
internal sealed record DumpNowAnswered(string? Refused, WorkResult? Result);

/// <summary>Ends every service of this node. Answered with <see cref="AllIdle"/>.</summary>
internal sealed record EndAll;

internal sealed record AllIdle;

/// <summary>Are you there? Answered with <see cref="Pong"/>.</summary>
internal sealed record Ping
{
    public static Ping Instance { get; } = new();
}

internal sealed record Pong
{
    public static Pong Instance { get; } = new();
}
