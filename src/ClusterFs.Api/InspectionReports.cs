using System.Collections.Immutable;

namespace ClusterFs.Api;

/// <summary>What was asked of the membership: the answer to <see cref="ApiRoutes.Leave"/>, <see cref="ApiRoutes.Down"/> and <see cref="ApiRoutes.DownUnreachable"/>.</summary>
/// <param name="Nodes">Those it is about.</param>
/// <param name="Message">What becomes of it.</param>
public sealed record MembershipReport(ImmutableArray<string> Nodes, string Message);

/// <summary>Which ownership actors are where: the answer to <see cref="ApiRoutes.Shards"/>.</summary>
/// <param name="Regions">Names of the kinds of actors that are spread over the nodes.</param>
/// <param name="Nodes">By name; those that answered.</param>
public sealed record ShardingReport(ImmutableArray<string> Regions, ImmutableArray<NodeShards> Nodes);

/// <param name="Shards">Names of the services whose ownership actor is there.</param>
public sealed record NodeShards(string Node, string Region, ImmutableArray<string> Shards);

/// <summary>The actors of the answering daemon: the answer to <see cref="ApiRoutes.Actors"/>.</summary>
/// <param name="Actors">Parents before their children.</param>
/// <param name="LeftOut">How many more there are.</param>
public sealed record ActorsReport(ImmutableArray<ActorEntry> Actors, int LeftOut);

/// <param name="Depth">0 for those without a parent.</param>
public sealed record ActorEntry(string Name, int Depth);

/// <summary>What the answering daemon logs: the answer to <see cref="ApiRoutes.LogLevel"/>.</summary>
/// <param name="Level">debug, information, warning or error.</param>
public sealed record LogLevelReport(string Level);
