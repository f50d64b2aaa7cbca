using System.Collections.Immutable;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Holder;

/// <summary>What a holder hears.</summary>
public abstract record HolderInput;

/// <summary>The process has begun to answer, and nothing that an earlier process started is alive any more.</summary>
public sealed record HolderStarted : HolderInput;

/// <summary>Time has passed.</summary>
public sealed record TimePassed : HolderInput;

/// <summary>The ownership actor granted an epoch to this node. Confers nothing by itself: only an acked round does (R3).</summary>
/// <param name="Tenure">Below <paramref name="Epoch"/> for a grant in place: of use only to a node on which that tenure runs (R13).</param>
public sealed record GrantReceived(string Service, long Epoch, long Tenure, ImmutableSortedSet<string> Voters, LeaseTimings Timings) : HolderInput;

public sealed record RenewAnswered(RenewReply Reply) : HolderInput;

/// <summary>The voter is not likely to answer in that round: it could not be reached, or not in time.</summary>
public sealed record RenewUnanswered(string Service, string Voter, RoundId Round) : HolderInput;

/// <summary>The service's content is in place and the tenure claimed in the archive: it may be started.</summary>
public sealed record ContentPrepared(string Service, long Tenure) : HolderInput;

/// <summary>A planned end: stop the service, keep the lease until <see cref="CloseRequested"/>.</summary>
/// <param name="Grace">How long the service may take to stop before it is killed, lease permitting.</param>
/// <param name="Reason">Why; for people.</param>
public sealed record DrainRequested(string Service, long Tenure, TimeSpan Grace, string Reason) : HolderInput;

/// <summary>No process of the service is alive, and none that waits to start it.</summary>
public sealed record ServiceDead(string Service, long Tenure) : HolderInput;

/// <summary>The last dump is done, or given up: close the tenure's epoch for good.</summary>
public sealed record CloseRequested(string Service, long Tenure) : HolderInput;

/// <summary>What the shell does for the machine, in order.</summary>
public abstract record HolderEffect;

/// <summary>The record must be on disk before any later effect.</summary>
public sealed record PersistHolder(DurableHolderState State) : HolderEffect;

public sealed record SendRenew(string Voter, Renew Renew) : HolderEffect;

public sealed record SendRelease(string Voter, Release Release) : HolderEffect;

/// <summary>Open the service's gate. Whoever passes it checks <paramref name="StopAt"/> once more (R14).</summary>
public sealed record StartService(string Service, long Tenure, Instant StopAt) : HolderEffect;

/// <summary>Stop the service: ask now, kill everything at <paramref name="KillAt"/>, answer with <see cref="ServiceDead"/>. A later one
/// of the same tenure replaces the earlier; it may only bring the end forward.</summary>
public sealed record StopService(string Service, long Tenure, Instant KillAt, string Reason) : HolderEffect;
