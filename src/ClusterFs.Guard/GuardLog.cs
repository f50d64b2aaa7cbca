using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard;

/// <summary>Everything that the guard says to an operator.</summary>
internal static partial class GuardLog
{
    [LoggerMessage(1, LogLevel.Information, "Guard of {Node} answers on {Address}:{Port} and {Socket}; voter {Identity}")]
    public static partial void Answering(this ILogger log, string node, string address, int port, string socket, Guid identity);

    [LoggerMessage(2, LogLevel.Warning, "No voter state in {Directory}: this voter abstains until the journal tells it the floors")]
    public static partial void VoterIsNew(this ILogger log, string directory);

    [LoggerMessage(3, LogLevel.Information, "Floor of {Service} raised from {Before} to {Floor}")]
    public static partial void FloorRaised(this ILogger log, string service, Binding before, Binding floor);

    [LoggerMessage(4, LogLevel.Error, "The voter's state cannot be written, so the question is not answered: {Problem}")]
    public static partial void VoterNotWritten(this ILogger log, string problem);

    [LoggerMessage(5, LogLevel.Error, "The holder's state cannot be written, so this is not acted on: {Problem}: {Input}")]
    public static partial void HolderNotWritten(this ILogger log, string problem, string input);

    [LoggerMessage(6, LogLevel.Information, "Lease of {Service} epoch {Epoch} is {Phase}{Reason}")]
    public static partial void LeasePhaseChanged(this ILogger log, string service, long epoch, LeasePhase phase, string reason);

    [LoggerMessage(7, LogLevel.Warning, "Renewal of {Service} epoch {Epoch} refused by voter {Voter}: {Outcome}, floor {Floor}")]
    public static partial void RenewalRefused(this ILogger log, string service, long epoch, string voter, RenewOutcome outcome, Binding floor);

    [LoggerMessage(8, LogLevel.Warning, "Unreachable: {Problem}")]
    public static partial void VoterUnreachable(this ILogger log, string problem);

    [LoggerMessage(9, LogLevel.Information, "Voter {Voter} answers again")]
    public static partial void VoterAnswersAgain(this ILogger log, string voter);

    [LoggerMessage(10, LogLevel.Information, "Process {Process} attached to {Service} ({Mode})")]
    public static partial void Attached(this ILogger log, string service, int process, AttachMode mode);

    [LoggerMessage(11, LogLevel.Information, "Process {Process} is no longer attached to {Service}")]
    public static partial void Detached(this ILogger log, string service, int process);

    [LoggerMessage(12, LogLevel.Information, "{Service} epoch {Epoch} started as process {Process} (killed by {Means})")]
    public static partial void Started(this ILogger log, string service, long epoch, int process, string means);

    [LoggerMessage(13, LogLevel.Information, "{Service} epoch {Epoch} ended by itself with code {ExitCode}")]
    public static partial void EndedByItself(this ILogger log, string service, long epoch, int exitCode);

    [LoggerMessage(14, LogLevel.Warning, "{Service} epoch {Epoch} is stopped: {Reason}")]
    public static partial void Stopping(this ILogger log, string service, long epoch, string reason);

    [LoggerMessage(15, LogLevel.Warning, "{Service} epoch {Epoch} did not end in time: killing {Count} processes")]
    public static partial void Killing(this ILogger log, string service, long epoch, int count);

    [LoggerMessage(34, LogLevel.Warning, "{Service} epoch {Epoch} is FROZEN in place of being killed: {Count} processes. They write nothing; 'clusterfs release {Service}' on this node kills them")]
    public static partial void Frozen(this ILogger log, string service, long epoch, int count);

    [LoggerMessage(35, LogLevel.Error, "{Service} epoch {Epoch} is not frozen in time: killing it")]
    public static partial void NotFrozen(this ILogger log, string service, long epoch);

    [LoggerMessage(36, LogLevel.Warning, "Killing what is frozen of {Service} epoch {Epoch}: {Reason}")]
    public static partial void KillingFrozen(this ILogger log, string service, long epoch, string reason);

    [LoggerMessage(39, LogLevel.Warning, "{Service} epoch {Epoch}: if anything of it survives SIGKILL, this node is rebooted in {Milliseconds} ms")]
    public static partial void RebootIsNext(this ILogger log, string service, long epoch, long milliseconds);

    [LoggerMessage(37, LogLevel.Critical, "{Service} epoch {Epoch} survives SIGKILL: {Count} processes. REBOOTING this node")]
    public static partial void Rebooting(this ILogger log, string service, long epoch, int count);

    [LoggerMessage(38, LogLevel.Critical, "{Service} lives beyond its lease, and this node cannot be rebooted: {Problem}")]
    public static partial void NotRebooted(this ILogger log, string service, string problem);

    [LoggerMessage(16, LogLevel.Information, "{Service} epoch {Epoch} is dead")]
    public static partial void Dead(this ILogger log, string service, long epoch);

    [LoggerMessage(17, LogLevel.Error, "A process of {Service} cannot be killed: {Problem}")]
    public static partial void CannotKill(this ILogger log, string service, string problem);

    [LoggerMessage(18, LogLevel.Warning, "Killing {Count} processes of {Service} epoch {Epoch} that the guard before left behind")]
    public static partial void KillingLeftover(this ILogger log, string service, long epoch, int count);

    [LoggerMessage(19, LogLevel.Warning, "Nobody is here to start {Service} epoch {Epoch}: given back")]
    public static partial void NobodyToStart(this ILogger log, string service, long epoch);

    [LoggerMessage(45, LogLevel.Error, "The thread of the {Part} stands still: systemd is not told that the guard works")]
    public static partial void StandsStill(this ILogger log, string part);

    [LoggerMessage(46, LogLevel.Error, "{Unit} runs although this node does not hold the lease of {Service}: stopping it")]
    public static partial void UnitRunsUnheld(this ILogger log, string service, string unit);

    [LoggerMessage(47, LogLevel.Error, "{Unit} runs on this node without the lease of {Service}, and is not attached to it: another node may run it, too. Stop and disable it, then 'clusterfs systemd attach {Unit} {Service}'")]
    public static partial void UnitRunsUnattached(this ILogger log, string service, string unit);

    [LoggerMessage(42, LogLevel.Information, "{Service} epoch {Epoch}: starting {Unit}")]
    public static partial void StartingUnit(this ILogger log, string service, long epoch, string unit);

    [LoggerMessage(43, LogLevel.Error, "{Service} epoch {Epoch} is given back, and this node stands down: {Problem}")]
    public static partial void UnitNotStarted(this ILogger log, string service, long epoch, string problem);

    [LoggerMessage(44, LogLevel.Information, "{Unit}: this node {What} for {Service}")]
    public static partial void UnitAttached(this ILogger log, string service, string unit, string what);

    [LoggerMessage(20, LogLevel.Warning, "No control groups ({Problem}): services are killed by process group and descent instead")]
    public static partial void NoControlGroups(this ILogger log, string problem);

    [LoggerMessage(21, LogLevel.Information, "The daemon is attached")]
    public static partial void DaemonAttached(this ILogger log);

    [LoggerMessage(22, LogLevel.Warning, "The daemon is gone; leases are kept and services go on")]
    public static partial void DaemonGone(this ILogger log);

    [LoggerMessage(23, LogLevel.Warning, "Not acted on: {Command}: {Problem}")]
    public static partial void CommandRefused(this ILogger log, string command, string problem);

    [LoggerMessage(24, LogLevel.Error, "{Service} epoch {Epoch} is closed WITHOUT a last dump: no daemon came for {Seconds:0.0} s. What was written after the last one stays on this node's disk")]
    public static partial void ClosedWithoutDump(this ILogger log, string service, long epoch, double seconds);

    [LoggerMessage(33, LogLevel.Error, "{Service} epoch {Epoch} is given up: no daemon came for {Seconds:0.0} s to put its content in place")]
    public static partial void NotPrepared(this ILogger log, string service, long epoch, double seconds);

    [LoggerMessage(25, LogLevel.Information, "Stopping: every service is stopped, dumped and released first")]
    public static partial void Ending(this ILogger log);

    [LoggerMessage(26, LogLevel.Error, "Stopping took longer than {Seconds:0} s: everything left is killed and its lease runs out by itself")]
    public static partial void EndingTimedOut(this ILogger log, double seconds);

    [LoggerMessage(27, LogLevel.Error, "{Service} epoch {Epoch} does not start: its record cannot be written: {Problem}")]
    public static partial void ServiceNotRecorded(this ILogger log, string service, long epoch, string problem);

    [LoggerMessage(28, LogLevel.Error, "Unit {Unit} cannot be stopped, trying on: {Problem}")]
    public static partial void UnitNotStopped(this ILogger log, string unit, string problem);

    [LoggerMessage(29, LogLevel.Warning, "Process {Process} was turned away at the gate of {Service} epoch {Epoch}")]
    public static partial void TurnedAway(this ILogger log, int process, string service, long epoch);

    [LoggerMessage(30, LogLevel.Debug, "The attachment to {Service} ended: {Problem}")]
    public static partial void AttachmentEnded(this ILogger log, string service, string problem);

    [LoggerMessage(31, LogLevel.Debug, "The daemon's stream ended: {Problem}")]
    public static partial void StreamEnded(this ILogger log, string problem);

    [LoggerMessage(40, LogLevel.Information, "Another certificate, good until {Expires:u}, is used from the next connection on")]
    public static partial void CertificateReplaced(this ILogger log, DateTimeOffset expires);

    [LoggerMessage(41, LogLevel.Warning, "The certificate on disk is not used, the one before still is: {Problem}")]
    public static partial void CertificateNotReplaced(this ILogger log, string problem);

    [LoggerMessage(42, LogLevel.Information, "{Service} epoch {Epoch} has {Addresses}")]
    public static partial void AddressesOn(this ILogger log, string service, long epoch, string addresses);

    [LoggerMessage(43, LogLevel.Information, "The addresses of {Service} epoch {Epoch} are off")]
    public static partial void AddressesOff(this ILogger log, string service, long epoch);

    [LoggerMessage(44, LogLevel.Error, "{Service} epoch {Epoch} does not start here, its address cannot be put on: {Problem}")]
    public static partial void AddressesRefused(this ILogger log, string service, long epoch, string problem);

    [LoggerMessage(45, LogLevel.Error, "{Service} epoch {Epoch} runs on without its address, trying on: {Problem}")]
    public static partial void AddressesNotKept(this ILogger log, string service, long epoch, string problem);

    [LoggerMessage(46, LogLevel.Error, "The addresses of {Service} epoch {Epoch} cannot be taken off, trying on until their time is over: {Problem}")]
    public static partial void AddressesNotOff(this ILogger log, string service, long epoch, string problem);

    [LoggerMessage(47, LogLevel.Warning, "{Address} of {Service} cannot be announced, so some machines may go on asking the node before: {Problem}")]
    public static partial void AddressNotAnnounced(this ILogger log, string service, string address, string problem);

    [LoggerMessage(48, LogLevel.Error, "Addresses that an earlier guard put on for {Service} cannot be taken off, trying on until their time is over: {Problem}")]
    public static partial void LeftoverAddresses(this ILogger log, string service, string problem);

    [LoggerMessage(32, LogLevel.Warning, "The record of {Service} epoch {Epoch} cannot be deleted: {Problem}")]
    public static partial void RecordNotDeleted(this ILogger log, string service, long epoch, string problem);
}
