using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Api;

/// <summary>What one node knows of everything: the answer to <see cref="ApiRoutes.Status"/>. Monitoring relies on its names.</summary>
/// <param name="Node">Who answers.</param>
/// <param name="Cluster">Membership as this node sees it.</param>
/// <param name="Self">This node's guard.</param>
/// <param name="Services">By name.</param>
public sealed record StatusReport(string Node, ClusterStatus Cluster, SelfStatus Self, ImmutableArray<ServiceStatus> Services);

/// <param name="Quorum">Whether this node sees a majority of the cluster. Leases do not depend on it.</param>
/// <param name="Members">By name.</param>
/// <param name="Voters">Names of the nodes whose guards vote; <c>sql</c> for the vote in the journal's database.</param>
public sealed record ClusterStatus(bool Quorum, ImmutableArray<MemberStatus> Members, ImmutableArray<string> Voters)
{
    /// <summary>Null until the daemon has looked for the first time.</summary>
    public JournalStatus? Journal { get; init; }
}

/// <summary>Whether the journal's database answers this node. Running services need it not, changes of ownership do.</summary>
/// <param name="Reachable">As of the newest look, a few seconds ago at most, or as long as the database's driver waits.</param>
/// <param name="Since">By the node's wall clock.</param>
/// <param name="Problem">Why it does not answer; null when it does.</param>
public sealed record JournalStatus(bool Reachable, DateTimeOffset Since, string? Problem);

/// <param name="Name">The node.</param>
/// <param name="Address">Where its daemon listens.</param>
/// <param name="Status">The membership state in lower case: up, joining, leaving, down, …; unknown for one that was never seen.</param>
/// <param name="Reachable">As the failure detector sees it. A hint, nothing more.</param>
public sealed record MemberStatus(string Name, string Address, string Status, bool Reachable)
{
    /// <summary>Since when it takes no service, by its wall clock; null when it takes them, or did not say.</summary>
    public DateTimeOffset? DrainedSince { get; init; }
}

/// <param name="GuardAttached">Whether this daemon is connected to its node's guard.</param>
/// <param name="GuardError">Why not.</param>
/// <param name="VoterIdentity">Which voter this node is; another one after the guard's state was lost.</param>
/// <param name="Stopping">Whether the guard is on its way out.</param>
public sealed record SelfStatus(bool GuardAttached, string? GuardError, string? VoterIdentity, bool Stopping)
{
    /// <summary>When the certificate that the daemon uses ends; null in clear text.</summary>
    public DateTimeOffset? CertificateExpires { get; init; }
}

/// <summary>One service, from the cluster's point of view.</summary>
/// <param name="Name">The service.</param>
/// <param name="State">What is going on.</param>
/// <param name="Owner">The node that may write; null when none may.</param>
/// <param name="Epoch">The highest ever granted; 0 before the first.</param>
/// <param name="LeaseRemainingMs">What is left of the lease; known on the owner only, null elsewhere.</param>
/// <param name="LastDump">The newest point that a failover would restore; null when there is none.</param>
/// <param name="AtRisk">What would be lost if the owner died now; null when nobody writes or nobody knows.</param>
/// <param name="Standbys">Nodes with a warm copy, or one in the making.</param>
/// <param name="Divergent">Contents kept outside the line; see <c>clusterfs divergent list</c>.</param>
/// <param name="Paused">No automatic moves.</param>
/// <param name="Reason">Why it is in this state, where that is not obvious; for a vacant one, why nobody owns it.</param>
/// <param name="Phase">What this node's guard does with it; null when nothing.</param>
/// <param name="Dump">How its dumps are going; null where this node cannot know.</param>
public sealed record ServiceStatus(
    string Name,
    ServiceState State,
    string? Owner,
    long Epoch,
    long? LeaseRemainingMs,
    DumpPoint? LastDump,
    RiskStatus? AtRisk,
    ImmutableArray<StandbyStatus> Standbys,
    int Divergent,
    bool Paused,
    string? Reason,
    PhaseStatus? Phase,
    DumpHealth? Dump)
{
    /// <summary>It was started again and again and never stayed up: nothing is granted until <c>clusterfs resume</c>.</summary>
    public bool Damped { get; init; }

    /// <summary>Its addresses, which are on the node that runs it.</summary>
    public ImmutableArray<string> Addresses { get; init; } = [];

    /// <summary>How it stands with its preferred node, where it is to go back there by itself or by hand; null otherwise.</summary>
    public FailbackStatus? Failback { get; init; }

    /// <summary>What is to become of where it is, in words.</summary>
    public ImmutableArray<string> Placement { get; init; } = [];

    /// <summary>By node, those that may own the service and do not; none where nothing was rehearsed yet.</summary>
    public ImmutableArray<RehearsalStatus> Rehearsals { get; init; } = [];

    /// <summary>Where the answering node's logs of it go; empty where ClusterFs does not look after them.</summary>
    public ImmutableArray<LogsStatus> Logs { get; init; } = [];

    /// <summary>Its seeded files, by node and path, on all nodes that answered in time.</summary>
    public ImmutableArray<SeededFileStatus> Seeded { get; init; } = [];

    /// <summary>Its config files, by node and name, on all nodes that answered in time.</summary>
    public ImmutableArray<ConfigFileStatus> Config { get; init; } = [];

    /// <summary>Its static contents, by node and name, on all its nodes; those that did not answer in time are unknown.</summary>
    public ImmutableArray<StaticStatus> Static { get; init; } = [];
}

/// <param name="Policy">As configured: manual, after:10m, window:02:00-04:00.</param>
/// <param name="To">The first of its nodes.</param>
/// <param name="InSeconds">When it goes back if nothing happens until then; null where more than time is missing.</param>
public sealed record FailbackStatus(string Policy, string To, double? InSeconds);

/// <summary>A link that the service writes its logs through, on the answering node.</summary>
/// <param name="Link">Where it is.</param>
/// <param name="Goes">shared: to shared storage; spool: to the node's own disk, because that is away; unlinked: neither, see <see cref="Problem"/>.</param>
/// <param name="Since">By the node's wall clock; no earlier than its daemon's start.</param>
/// <param name="WaitingBytes">On the node's disk, to be moved to shared storage.</param>
public sealed record LogsStatus(string Link, string Goes, DateTimeOffset Since, long WaitingBytes)
{
    /// <summary>Files that are copied to shared storage as far as they go, and that some process still has open for writing.</summary>
    public int StillOpen { get; init; }

    /// <summary>What somebody should look at; null when nothing.</summary>
    public string? Problem { get; init; }
}

[JsonConverter(typeof(JsonStringEnumConverter<ServiceState>))]
public enum ServiceState
{
    /// <summary>No node owns it.</summary>
    [JsonStringEnumMemberName("vacant")]
    Vacant,

    /// <summary>The promises to an earlier owner are being waited out.</summary>
    [JsonStringEnumMemberName("fencing")]
    Fencing,

    /// <summary>A node was granted it and prepares the content.</summary>
    [JsonStringEnumMemberName("restoring")]
    Restoring,

    /// <summary>A node runs it.</summary>
    [JsonStringEnumMemberName("owned")]
    Owned,

    /// <summary>A planned stop: the service ends and a last dump is taken.</summary>
    [JsonStringEnumMemberName("draining")]
    Draining,

    /// <summary>No automatic grants until resumed: by request, or because it never stayed up (<see cref="ServiceStatus.Damped"/>).</summary>
    [JsonStringEnumMemberName("paused")]
    Paused,
}

/// <summary>A dump in the line.</summary>
/// <param name="Epoch">The owner's epoch when it was taken.</param>
/// <param name="Sequence">Its slot in the service's log.</param>
/// <param name="At">By the owner's wall clock.</param>
/// <param name="Bytes">Of the content as a whole.</param>
public sealed record DumpPoint(long Epoch, long Sequence, DateTimeOffset At, long Bytes);

/// <param name="Seconds">Since the start of the newest dump, if anything was written since.</param>
/// <param name="Bytes">Roughly how much was written since, where that is known.</param>
public sealed record RiskStatus(double Seconds, long? Bytes);

/// <summary>A node that may own the service, does not, and keeps a copy of its newest dump.</summary>
/// <param name="Sequence">The dump that its copy is; 0 while it has none yet.</param>
/// <param name="LagSeconds">How much older that dump is than the newest one, by their owners' wall clocks; null while there is no copy.</param>
/// <param name="RehearsedSeconds">How long its newest rehearsal took that went well; null when none did.</param>
public sealed record StandbyStatus(string Node, long Sequence, double? LagSeconds, double? RehearsedSeconds)
{
    /// <summary>Why the copy does not follow; null when it does, as far as is known.</summary>
    public string? Problem { get; init; }
}

/// <summary>Restores of the newest dump that a node made to see that it can be restored.</summary>
/// <param name="Sequence">The dump of the newest that went well; 0 when none did.</param>
/// <param name="At">When that ended, by the node's wall clock; null when none did.</param>
/// <param name="Seconds">How long it took, check and all; null when none went well.</param>
/// <param name="Checked">Whether the service's check was part of it.</param>
public sealed record RehearsalStatus(string Node, long Sequence, DateTimeOffset? At, double? Seconds, bool Checked)
{
    /// <summary>What has to be looked at: why the newest failed, or what it waits for; null when all is well.</summary>
    public string? Problem { get; init; }

    /// <summary>When the newest failed; null when it went well.</summary>
    public DateTimeOffset? FailedAt { get; init; }

    /// <summary>One is under way.</summary>
    public bool UnderWay { get; init; }

    /// <summary>The one that is under way does not come on, and that is the problem.</summary>
    public bool Hangs { get; init; }
}

/// <summary>What the guard of the answering node does with a service.</summary>
/// <param name="Name">none, acquiring, held, running, draining, drained, stopping or closed.</param>
/// <param name="Wanted">Whether a process beside the service (run, hold) is attached here.</param>
/// <param name="Process">The service's first process; null when none runs.</param>
/// <param name="ExitCode">The service ended by itself, with this code.</param>
public sealed record PhaseStatus(string Name, bool Wanted, int? Process, int? ExitCode)
{
    /// <summary>The lease was lost, and what is left of the service is frozen here; <c>clusterfs release</c> kills it.</summary>
    public bool Frozen { get; init; }

    /// <summary>The service's addresses that are on this node, each with its interface: 10.0.0.50/24 on eth0.</summary>
    public ImmutableArray<string> AddressesOn { get; init; } = [];

    /// <summary>For how long they have been on without a break; null while they are not, or nobody knows.</summary>
    public double? AddressesOnForSeconds { get; init; }

    /// <summary>Why they are not on this node though the service runs here; null where nothing is wrong.</summary>
    public string? AddressProblem { get; init; }
}

/// <summary>Clones of large files as of the newest dump, by which the next finds what changed (live.keep-blocks).</summary>
/// <param name="Bytes">The room that they take at most, should everything be written over.</param>
/// <param name="WhyNot">Why some large file has none and is read whole, though the file system could; null when nothing is wrong.</param>
public sealed record KeptStatus(int Files, long Bytes, string? WhyNot);

/// <summary>Whether dumps succeed, and what they are worth.</summary>
/// <param name="Ok">The newest attempt succeeded.</param>
/// <param name="Error">Why it did not.</param>
/// <param name="LastErrorAt">When an attempt failed last; null for never since the daemon started.</param>
/// <param name="Capture">How a consistent picture is taken: sqlite, copy, …</param>
/// <param name="Guarantee">In plain words, what that promises about the restored content and what not.</param>
public sealed record DumpHealth(bool Ok, string? Error, DateTimeOffset? LastErrorAt, string? Capture, string? Guarantee)
{
    /// <summary>What somebody has to look at although dumps succeed, such as a resume hook that failed; null when nothing.</summary>
    public string? Warning { get; init; }

    /// <summary>What is kept of large files beside the live content; null on nodes that take no dumps.</summary>
    public KeptStatus? Kept { get; init; }
}
