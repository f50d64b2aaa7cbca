using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Wire;

namespace ClusterFs.Ownership.Messages;

/// <summary>A message for the ownership of one service, wherever it lives.</summary>
public interface IOwnershipMessage : IWireMessage
{
    string Service { get; }
}

/// <summary>Changes nothing and costs little, however often it is heard. A shard that moves to another node drops what came for it meanwhile: who was not answered asks again.</summary>
public interface IOwnershipQuestion : IOwnershipMessage;

/// <summary>What a node's agent says of one service, at the cluster's pace and after each change. Answered with <see cref="OwnershipView"/>; grants and
/// drains go to whoever sent the newest one.</summary>
/// <param name="Report">What is decided by.</param>
/// <param name="Sight">What people are shown.</param>
public sealed record ReportNode(string Service, NodeReport Report, NodeSight Sight) : IOwnershipMessage;

/// <summary>Asks for a planned move. Answered with <see cref="RequestAnswered"/> when it is journalled or refused.</summary>
public sealed record MoveService(string Service, string To) : IOwnershipMessage;

/// <summary>Asks that nothing be granted by itself, or the end of that. Answered like a move.</summary>
public sealed record PauseService(string Service, bool Pause) : IOwnershipMessage;

/// <summary>Answered with <see cref="OwnershipView"/>.</summary>
public sealed record GetOwnership(string Service) : IOwnershipQuestion;

/// <summary>Answered with <see cref="OwnershipHistory"/>.</summary>
public sealed record GetHistory(string Service) : IOwnershipQuestion;

/// <summary>Answered with <see cref="MeasuredHistory"/>; by a daemon of an earlier version not at all.</summary>
public sealed record GetMeasuredHistory(string Service) : IOwnershipQuestion;

/// <summary>Where would the service rather be? Answered with <see cref="PlacementTold"/>; by a daemon of an earlier version not at all.</summary>
public sealed record GetPlacement(string Service) : IOwnershipQuestion;
