using System.Collections.Immutable;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Ownership;

/// <summary>What one node says of one service, again and again.</summary>
/// <param name="Wanted">A process beside the service waits for it or runs it here.</param>
/// <param name="Phase">Of the lease on that node; null when it never held one.</param>
/// <param name="Epoch">The highest epoch that was ever consumed there.</param>
/// <param name="ClosedEpoch">Everything at or below it is over for good there.</param>
/// <param name="Reason">Why the newest epoch ended; for people.</param>
public sealed record NodeReport(string Node, bool Wanted, LeasePhase? Phase, long Epoch, long ClosedEpoch, string? Reason)
{
    /// <summary>The newest tenure that ended there with all that was written under it in the archive; 0 for none that is known.</summary>
    public long HandedOver { get; init; }
}

/// <summary>What the ownership of one service hears.</summary>
public abstract record OwnershipInput;

/// <summary>Time has passed.</summary>
public sealed record OwnershipTimePassed : OwnershipInput;

public sealed record NodeReported(NodeReport Report) : OwnershipInput;

/// <summary>The nodes that the cluster does not reach are others than before.</summary>
public sealed record NodesAway(ImmutableSortedSet<string> Nodes) : OwnershipInput;

/// <summary>A voter's answer to a probe, a fence, a join or a release.</summary>
public sealed record VoterAnswered(VoterReply Reply) : OwnershipInput;

/// <summary>The journal has the event.</summary>
public sealed record Journalled(OwnershipEvent Event) : OwnershipInput;

/// <summary>The epoch table has the epoch for this node, or refused because another has it (R16).</summary>
public sealed record EpochReserved(long Epoch, string Node, bool Reserved) : OwnershipInput;

/// <summary>A planned move is asked for. Answered with <see cref="AnswerRequest"/>.</summary>
public sealed record MoveRequested(Guid Request, string To) : OwnershipInput
{
    public MoveReason Why { get; init; }
}

/// <summary>Somebody asks that nothing be granted by itself until resumed, or the end of it. Answered with <see cref="AnswerRequest"/>.</summary>
public sealed record PauseRequested(Guid Request, bool Pause) : OwnershipInput;

/// <summary>What other services mean for the next grant is no longer what it was, or was looked at again.</summary>
public sealed record PlacementNoted(Placement Placement) : OwnershipInput;

/// <summary>The fence command has ended, or did not in time.</summary>
/// <param name="Epoch">That was being fenced when it was begun.</param>
/// <param name="Succeeded">The command vouches that the node is off, or was.</param>
/// <param name="Outcome">In words; for people.</param>
public sealed record NodeFenced(string Node, long Epoch, bool Succeeded, string Outcome) : OwnershipInput;

/// <summary>What the shell does for the machine, in order.</summary>
public abstract record OwnershipEffect;

/// <summary>Journal the event, with the time of the wall clock, and answer with <see cref="Journalled"/>. If it cannot be known that the
/// journal has it, stop and recover.</summary>
public sealed record Journal(OwnershipEvent Event) : OwnershipEffect;

/// <summary>Take the epoch for a node in the epoch table; succeeds again for the same node. Answer with <see cref="EpochReserved"/>.</summary>
public sealed record ReserveEpoch(long Epoch, string Node) : OwnershipEffect;

/// <summary>Send a probe, fence, join or release; answer with <see cref="VoterAnswered"/>. May be lost.</summary>
public sealed record AskVoter(string Voter, VoterRequest Request) : OwnershipEffect;

/// <summary>Tell a node of its grant. May be lost; it is told again with each of its reports.</summary>
/// <param name="Tenure">The epoch that the grant began with; below the grant's for one that goes on in place.</param>
public sealed record TellGrant(string Node, OwnershipGranted Grant, long Tenure) : OwnershipEffect;

/// <summary>Ask the owner to stop its service, dump and release. May be lost.</summary>
public sealed record TellDrain(string Node, long Tenure, string To) : OwnershipEffect;

/// <summary>Cut the node's power, or restart it by force. Answer with <see cref="NodeFenced"/>; may take its time, or be lost.</summary>
public sealed record RunFence(string Node, long Epoch) : OwnershipEffect;

public sealed record AnswerRequest(Guid Request, bool Accepted, string Message) : OwnershipEffect;

/// <summary>This incarnation knows less than a voter does: stop, and recover from the journal (R12).</summary>
public sealed record RecoverAgain(string Reason) : OwnershipEffect;
