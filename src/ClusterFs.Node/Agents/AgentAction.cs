using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Agents;

/// <summary>What an agent does next.</summary>
internal abstract record AgentAction;

/// <summary>Work to be begun, on a thread of its own.</summary>
internal sealed record BeginWork(WorkKind Kind, long Epoch) : AgentAction;

/// <summary>Something to be told to the guard.</summary>
internal sealed record TellGuard(GuardOrder Order) : AgentAction;

/// <summary>Each names its epoch, and the guard does it once.</summary>
internal abstract record GuardOrder(long Epoch);

internal sealed record UseGrant(GrantOwnership Grant) : GuardOrder(Grant.Epoch);

internal sealed record SayPrepared(long Epoch) : GuardOrder(Epoch);

internal sealed record BeginDrain(long Epoch) : GuardOrder(Epoch);

/// <summary>The service runs elsewhere under this epoch: this node may have it next, although it was stopped here.</summary>
internal sealed record StandByAgain(long Epoch) : GuardOrder(Epoch);

internal sealed record CloseEpoch(long Epoch) : GuardOrder(Epoch);
