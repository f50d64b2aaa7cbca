using System.Collections.Immutable;

namespace ClusterFs.Api;

/// <summary>How far a node is drained: the answer to <see cref="ApiRoutes.Drain"/> and <see cref="ApiRoutes.Undrain"/>.</summary>
/// <param name="Drained">It takes no service until it is undrained, and moves away what it has.</param>
/// <param name="Since">By the node's wall clock; null while it is not drained.</param>
/// <param name="Left">What it still owns.</param>
public sealed record DrainReport(string Node, bool Drained, DateTimeOffset? Since, ImmutableArray<DrainingService> Left);

/// <param name="Doing">How far it is, in words.</param>
/// <param name="Stuck">It does not go away now, and <paramref name="Doing"/> says why.</param>
public sealed record DrainingService(string Service, string Doing, bool Stuck);
