using ClusterFs.Ownership.Wire;

namespace ClusterFs.Ownership.Messages;

/// <summary>To the agent of a node: is it drained, and what does it still own? Answered with <see cref="DrainTold"/>; by a daemon of an earlier version not
/// at all.</summary>
public sealed record AskDrain : IWireMessage;

/// <summary>To the agent of a node: give everything away and take nothing, or take again. Answered with <see cref="DrainTold"/> once the node's disk has it.</summary>
public sealed record DrainNode(bool Drain) : IWireMessage;

/// <param name="Since">By the node's wall clock; null while it is not drained.</param>
/// <param name="Left">What it still owns; also while it is not drained.</param>
/// <param name="Problem">Why it could not be done; null when it could.</param>
public sealed record DrainTold(string Node, DateTimeOffset? Since, DrainLeft[] Left, string? Problem) : IWireMessage;

/// <param name="Doing">How far it is, in words.</param>
/// <param name="IsStuck">It does not go away now, and <paramref name="Doing"/> says why.</param>
public sealed record DrainLeft(string Service, string Doing, bool IsStuck);
