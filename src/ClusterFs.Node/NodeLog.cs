using Microsoft.Extensions.Logging;

namespace ClusterFs.Node;

internal static partial class NodeLog
{
    [LoggerMessage(1, LogLevel.Information, "node {Node} of cluster {Cluster}: starting, process {Process}")]
    public static partial void Starting(this ILogger logger, string node, string cluster, int process);

    [LoggerMessage(2, LogLevel.Information, "the guard answers")]
    public static partial void GuardConnected(this ILogger logger);

    [LoggerMessage(3, LogLevel.Warning, "the guard of this node does not answer: {Reason}; nothing can be granted to this node until it does")]
    public static partial void GuardGone(this ILogger logger, string reason);

    [LoggerMessage(4, LogLevel.Debug, "{Service}: epoch {Epoch}: telling the guard {Order}")]
    public static partial void TellingGuard(this ILogger logger, string service, long epoch, string order);

    [LoggerMessage(5, LogLevel.Information, "{Service}: epoch {Epoch}: {Work}")]
    public static partial void WorkBegun(this ILogger logger, string service, string work, long epoch);

    [LoggerMessage(6, LogLevel.Information, "{Service}: epoch {Epoch}: {Work}: {Explanation}")]
    public static partial void WorkDone(this ILogger logger, string service, string work, long epoch, string explanation);

    [LoggerMessage(7, LogLevel.Warning, "{Service}: epoch {Epoch}: {Work} failed and will be tried again: {Problem}")]
    public static partial void WorkFailed(this ILogger logger, string service, string work, long epoch, string problem);

    [LoggerMessage(8, LogLevel.Warning, "{Service}: epoch {Epoch}: {Work}: finished for good: {Explanation}")]
    public static partial void WorkSuperseded(this ILogger logger, string service, string work, long epoch, string explanation);

    [LoggerMessage(60, LogLevel.Error, "{Service}: epoch {Epoch}: {Work}: done, but {Warning}")]
    public static partial void WorkWarns(this ILogger logger, string service, string work, long epoch, string warning);

    [LoggerMessage(9, LogLevel.Warning, "the daemon before this one did not end in order; joining the cluster in {Seconds:0.#} s")]
    public static partial void JoinDelayed(this ILogger logger, double seconds);

    [LoggerMessage(10, LogLevel.Information, "joining the cluster by {Seeds}")]
    public static partial void Joining(this ILogger logger, string seeds);

    [LoggerMessage(11, LogLevel.Information, "a member of the cluster")]
    public static partial void Joined(this ILogger logger);

    [LoggerMessage(12, LogLevel.Information, "the journal is in order: {Store}")]
    public static partial void JournalVerified(this ILogger logger, string store);

    [LoggerMessage(50, LogLevel.Warning, "the fence command for {Node} succeeded: {Outcome}")]
    public static partial void Fenced(this ILogger logger, string node, string outcome);

    [LoggerMessage(140, LogLevel.Information, "told {Event} of {Service}: {Outcome}")]
    public static partial void Notified(this ILogger logger, string @event, string service, string outcome);

    [LoggerMessage(141, LogLevel.Error, "the notification command failed for {Event} of {Service}: {Outcome}; nobody was told: {Text}")]
    public static partial void NotNotified(this ILogger logger, string @event, string service, string outcome, string text);

    [LoggerMessage(142, LogLevel.Error, "{Event} of {Service} is not told to anybody, {Capacity} notifications wait already: {Text}")]
    public static partial void NotificationDropped(this ILogger logger, string @event, string service, int capacity, string text);

    [LoggerMessage(143, LogLevel.Error, "which nodes are lost or back is not known; it is looked at again each second, and this is said once")]
    public static partial void NodesNotLookedAt(this ILogger logger, Exception problem);

    [LoggerMessage(51, LogLevel.Error, "the fence command for {Node} failed: {Outcome}; its leases are waited out")]
    public static partial void FenceFailed(this ILogger logger, string node, string outcome);

    [LoggerMessage(52, LogLevel.Warning, "{Store} does not answer: {Problem}; what runs runs on, and no ownership changes until it does")]
    public static partial void JournalUnreachable(this ILogger logger, string store, string problem);

    [LoggerMessage(53, LogLevel.Information, "{Store} answers")]
    public static partial void JournalReachable(this ILogger logger, string store);

    [LoggerMessage(54, LogLevel.Warning, "the certificate of this node ends on {Expires:u}: without another one nobody will talk to it (`clusterfs certificates renew`)")]
    public static partial void CertificateEnds(this ILogger logger, DateTimeOffset expires);

    [LoggerMessage(55, LogLevel.Information, "{Service}: the standby copy is dump {Slot}")]
    public static partial void StandbyFollows(this ILogger logger, string service, long slot);

    [LoggerMessage(56, LogLevel.Warning, "{Service}: the standby copy does not follow: {Problem}")]
    public static partial void StandbyFails(this ILogger logger, string service, string problem);

    [LoggerMessage(61, LogLevel.Information, "{Service}: rehearsal: dump {Slot} was {Done} in {Seconds:0.###} s")]
    public static partial void RehearsalPassed(this ILogger logger, string service, long slot, string done, double seconds);

    [LoggerMessage(62, LogLevel.Error, "{Service}: THE REHEARSAL OF A RESTORE FAILED: {Problem}")]
    public static partial void RehearsalFailed(this ILogger logger, string service, string problem);

    [LoggerMessage(57, LogLevel.Information, "{Service}: logs: {What}")]
    public static partial void LogsGo(this ILogger logger, string service, string what);

    [LoggerMessage(13, LogLevel.Critical, "{Problem}")]
    public static partial void Refused(this ILogger logger, string problem);

    [LoggerMessage(14, LogLevel.Information, "{Signal}: stopping the services of this node, then leaving the cluster")]
    public static partial void EndingServices(this ILogger logger, string signal);

    [LoggerMessage(15, LogLevel.Information, "{Signal}: leaving the cluster; services go on under the guard")]
    public static partial void LeavingServices(this ILogger logger, string signal);

    [LoggerMessage(16, LogLevel.Warning, "services did not end within {Seconds:0} s; the guard goes on with them")]
    public static partial void ServicesDidNotEnd(this ILogger logger, double seconds);

    [LoggerMessage(17, LogLevel.Warning, "the actor system ended by itself, most likely because the cluster took this node for dead; starting it again")]
    public static partial void StartingAgain(this ILogger logger);

    [LoggerMessage(18, LogLevel.Information, "stopped")]
    public static partial void Stopped(this ILogger logger);

    [LoggerMessage(19, LogLevel.Warning, "shared storage at {Path} cannot be set up for the archive: {Problem}")]
    public static partial void SharedNotInitialized(this ILogger logger, string path, string problem);

    [LoggerMessage(EventId = 20, Message = "{Source}: {Text}")]
    public static partial void AkkaSays(this ILogger logger, LogLevel level, string source, string text);

    [LoggerMessage(21, LogLevel.Information, "no cluster answers, and this node may not begin one: {Other} has the claim, or the database does not answer")]
    public static partial void MayNotBegin(this ILogger logger, string other);

    [LoggerMessage(22, LogLevel.Warning, "another cluster, with {Other} in it, has the claim to be the one; leaving this one to join it")]
    public static partial void LeavingForOtherCluster(this ILogger logger, string other);

    [LoggerMessage(70, LogLevel.Information, "{Service}: {File} was rendered, because {Reason}")]
    public static partial void SeededRendered(this ILogger logger, string service, string file, string reason);

    [LoggerMessage(71, LogLevel.Warning, "{Service}: {File} was not what had been rendered; what lay there is kept as {Kept}")]
    public static partial void SeededKept(this ILogger logger, string service, string file, string kept);

    [LoggerMessage(72, LogLevel.Information, "{Service}: {File}: reloaded: {Command}")]
    public static partial void SeededReloaded(this ILogger logger, string service, string file, string command);

    [LoggerMessage(73, LogLevel.Warning, "{Service}: a seeded file is not current: {Problem}")]
    public static partial void SeededFailed(this ILogger logger, string service, string problem);

    [LoggerMessage(74, LogLevel.Error, "seeded files are looked at again in a minute, after a mistake in the daemon: {Problem}")]
    public static partial void SeededMistaken(this ILogger logger, string problem);

    [LoggerMessage(80, LogLevel.Information, "{Service}: config {Name}: {Words}")]
    public static partial void ConfigGoesOn(this ILogger logger, string service, string name, string words);

    [LoggerMessage(81, LogLevel.Warning, "{Service}: config {Name}: {Problem}")]
    public static partial void ConfigTroubled(this ILogger logger, string service, string name, string problem);

    [LoggerMessage(82, LogLevel.Error, "{Service}: config files are looked at again in a minute, after a mistake in the daemon: {Problem}")]
    public static partial void ConfigMistaken(this ILogger logger, string service, string problem);

    [LoggerMessage(130, LogLevel.Information, "{Service}: this node is drained: asks for a move to {Node}")]
    public static partial void DrainsTo(this ILogger logger, string service, string node);

    [LoggerMessage(131, LogLevel.Warning, "{Service}: this node is drained, and it is not moved to {Node}: {Problem}")]
    public static partial void DrainRefused(this ILogger logger, string service, string node, string problem);

    [LoggerMessage(132, LogLevel.Information, "this node is {Words}")]
    public static partial void DrainChanged(this ILogger logger, string words);

    [LoggerMessage(120, LogLevel.Information, "{Service}: static {Name}: {Words}")]
    public static partial void StaticChanged(this ILogger logger, string service, string name, string words);

    [LoggerMessage(121, LogLevel.Warning, "{Service}: static {Name}: {Problem}")]
    public static partial void StaticFailed(this ILogger logger, string service, string name, string problem);

    [LoggerMessage(122, LogLevel.Information, "from the status page, by who has its token, from {Address}: {Action} {Service} {To}")]
    public static partial void PageActs(this ILogger logger, string action, string service, string to, string address);

    [LoggerMessage(123, LogLevel.Warning, "somebody at {Address} tried to act from the status page: {Why} (said once a minute at most)")]
    public static partial void PageRefuses(this ILogger logger, string address, string why);
}
