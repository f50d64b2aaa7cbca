namespace ClusterFs.Lease.Voter;

/// <summary>What is asked of a voter.</summary>
public abstract record VoterRequest(string Service);

/// <summary>The holder asks for its promise to run on.</summary>
/// <param name="Round">Tells which round, of which process, of which boot an answer belongs to (R6). Echoed.</param>
/// <param name="Ttl">How long the promise shall run: it travels with the message, so that both sides use the same (R9).</param>
public sealed record Renew(string Service, long Epoch, string Node, TimeSpan Ttl, RoundId Round) : VoterRequest(Service);

/// <summary>Somebody asks how long the promise still runs.</summary>
/// <param name="Nonce">Names the round of questions. Echoed.</param>
public sealed record Probe(string Service, Guid Nonce) : VoterRequest(Service);

/// <summary>The ownership actor raises the floor to an epoch that it has journalled its intent for (R12).</summary>
/// <param name="OverPromises">The epoch before was closed for good by its holder, or its holder was missed for a while and its power is
/// about to be cut (R11), so a promise that still runs is no reason to refuse (R13); the fencer waits for its end all the same.</param>
public sealed record Fence(string Service, long Epoch, bool OverPromises, Guid Nonce) : VoterRequest(Service);

/// <summary>The holder's service is dead and its epoch closed for good: the promise may end (R4).</summary>
public sealed record Release(string Service, long Epoch, string Node) : VoterRequest(Service);

/// <summary>
/// The journal tells a voter whose state is missing where the floor of a service is. Sent only after a <c>VoterJoined</c> event with this
/// identity was journalled (R2).
/// </summary>
/// <param name="Identity">The state that is meant: made up when a voter starts with an empty directory.</param>
/// <param name="LongestTtl">The longest TTL that was ever granted: what the missing state may have promised.</param>
public sealed record Join(string Service, Guid Identity, Binding Floor, TimeSpan LongestTtl) : VoterRequest(Service);

/// <summary>Which round of which holder process of which boot.</summary>
public readonly record struct RoundId(string BootId, Guid Incarnation, long Number);

/// <summary>What a voter answers.</summary>
/// <param name="Voter">Whose answer it is.</param>
public abstract record VoterReply(string Service, string Voter);

public enum RenewOutcome
{
    Acked,

    /// <summary>The floor is above the epoch, or the epoch belongs to another node. It will never be acked again.</summary>
    BelowFloor,

    /// <summary>A promise to another node runs, or may run since before a restart.</summary>
    Promised,

    /// <summary>The voter has no state for the service and waits to be joined.</summary>
    Abstained,
}

public sealed record RenewReply(string Service, string Voter, long Epoch, string Node, RoundId Round, RenewOutcome Outcome, Binding Floor)
    : VoterReply(Service, Voter);

/// <param name="Abstains">The voter has no state for the service: its answer proves nothing, and it waits to be joined.</param>
/// <param name="Remaining">What is left of the promise, by the voter's slower clock; zero when none runs.</param>
public sealed record ProbeReply(string Service, string Voter, Guid Identity, Guid Nonce, bool Abstains, Binding Floor, TimeSpan Remaining)
    : VoterReply(Service, Voter);

public enum FenceOutcome
{
    Raised,

    /// <summary>The floor is already above, or a holder has renewed this very epoch: whoever fences has not read the whole journal.</summary>
    BelowFloor,

    /// <summary>The promise still runs.</summary>
    Promised,

    /// <summary>The voter has no state for the service and waits to be joined.</summary>
    Abstained,
}

/// <param name="Remaining">What was left of the old promise after the floor had risen.</param>
public sealed record FenceReply(
    string Service, string Voter, Guid Identity, Guid Nonce, long Epoch, FenceOutcome Outcome, Binding Floor, TimeSpan Remaining)
    : VoterReply(Service, Voter);

public sealed record ReleaseReply(string Service, string Voter) : VoterReply(Service, Voter);

/// <param name="Joined">False while the voter still waits out what its lost state may have promised, or when another state was meant.</param>
public sealed record JoinReply(string Service, string Voter, Guid Identity, bool Joined) : VoterReply(Service, Voter);
