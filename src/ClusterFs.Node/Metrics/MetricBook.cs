using System.Collections.Immutable;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Content.Seeded;
using ClusterFs.Node.Api;
using ClusterFs.Node.Cluster;

namespace ClusterFs.Node.Metrics;

/// <summary>Every metric there is; docs/metrics.md says the same, and a test compares them. Pure.</summary>
internal static class MetricBook
{
    private const string Seconds = "s";
    private const string Bytes = "By";

    public static ImmutableArray<Metric> All { get; } = [.. OfNode(), .. OfGuard(), .. OfService(), .. OfDumps(), .. OfOthers(), .. OfFiles()];

    private static IEnumerable<Metric> OfNode() =>
    [
        Metric.By("clusterfs.build_info", null, "Always 1; the label says which version runs.", false, scene => Enumerable.Repeat(scene, 1), _ => 1, ("version", scene => scene.Version)),
        Metric.Of("clusterfs.ready", null, "1 when /ready says yes.", false, scene => Flag(scene.IsReady)),
        Metric.By(
            "clusterfs.cluster_member_up", null, "1 for each configured node that is a member of the cluster and reached by this node.", false,
            scene => scene.Members, member => Flag(member is { Status: "up", Reachable: true }), ("member", member => member.Name)),
        Metric.Of("clusterfs.cluster_quorum", null, "1 when this node sees a majority of the nodes.", false, scene => Flag(Membership.HasQuorum(scene.Members))),
        Metric.Of("clusterfs.journal_up", null, "1 when the journal's database answers this node.", false, scene => scene.JournalAnswers is { } up ? Flag(up) : null),
        Metric.Of("clusterfs.guard_up", null, "1 when this node's guard answers its daemon.", false, scene => Flag(scene.GuardAnswers)),
        Metric.Of(
            "clusterfs.certificate_expiry_timestamp", Seconds, "When the certificate ends that the daemon uses.", false,
            scene => scene.CertificateExpires?.ToUnixTimeSeconds()),
        Metric.Of("process.resident_memory", Bytes, "Resident memory of the daemon.", false, scene => scene.Process?.ResidentBytes),
        Metric.Of("process.cpu", Seconds, "Processor time of the daemon.", true, scene => scene.Process?.Processor.TotalSeconds),
        Metric.Of("process.start_time", Seconds, "When the daemon was started.", false, scene => scene.Process?.StartedAt.ToUnixTimeMilliseconds() / 1000.0),
    ];

    private static IEnumerable<Metric> OfGuard() =>
    [
        Metric.By(
            "clusterfs.guard.votes", null, "Answers of this node's voter.", true, scene => scene.Guard?.Votes ?? [], vote => vote.Count,
            ("request", vote => vote.Request), ("outcome", vote => vote.Outcome)),
        Metric.By(
            "clusterfs.guard.renewals", null, "Renewals of this node's leases that a voter acked, refused or did not answer in time.", true,
            scene => (scene.Guard?.Renewals ?? []).SelectMany(
                count => new[] { (count.Voter, "acked", count.Acked), (count.Voter, "refused", count.Refused), (count.Voter, "unanswered", count.Unanswered) }),
            count => count.Item3, ("voter", count => count.Voter), ("outcome", count => count.Item2)),
        Metric.By(
            "clusterfs.guard.renewal_messages", null, "Messages with renewals that a voter answered, each for all leases that were due.", true,
            scene => scene.Guard?.Renewals ?? [], count => count.Messages, ("voter", count => count.Voter)),
        Metric.By(
            "clusterfs.guard.renewal_duration", Seconds, "How long those answers took in all.", true,
            scene => scene.Guard?.Renewals ?? [], count => count.Seconds, ("voter", count => count.Voter)),
        Metric.Of("clusterfs.guard.leases_lost", null, "Services that were stopped because no majority of voters renewed their lease.", true, scene => scene.Guard?.LeasesLost),
        Metric.Of("clusterfs.guard.leases_open", null, "Leases of this node that are not closed.", false, scene => scene.Guard?.LeasesOpen),
    ];

    private static IEnumerable<Metric> OfService() =>
    [
        Metric.OfService("clusterfs.service.running", null, "1 where the service runs, under a lease that is valid now.", false, service => Flag(service.Runs)),
        Metric.OfService("clusterfs.service.wanted", null, "1 where a process beside the service (run, hold) waits for it or runs it.", false, service => Flag(service.Seen.Guard?.Wanted == true)),
        Metric.OfService("clusterfs.service.frozen", null, "1 where a lease was lost and what is left of the service is frozen.", false, service => Flag(service.Seen.Guard?.IsFrozen == true)),
        Metric.OfService("clusterfs.service.epoch", null, "The newest epoch that this node has heard of.", false, service => Math.Max(service.Seen.View?.Epoch ?? 0, service.Seen.Guard?.Epoch ?? 0)),
        Metric.OfService(
            "clusterfs.service.lease_remaining", Seconds, "What is left of the lease, on the node that holds it.", false,
            service => service.Seen.Guard?.OpenTenure is null ? null : service.LeaseRemaining.TotalSeconds),
        Metric.OfService("clusterfs.service.paused", null, "1 while nothing is granted by itself because somebody paused the service.", false, service => service.FreshView is { } view ? Flag(view.Paused) : null),
        Metric.OfService("clusterfs.service.left_alone", null, "1 while nothing is granted because the service never stayed up.", false, service => service.FreshView is { } view ? Flag(view.Damped) : null),
        Metric.OfServiceBy(
            "clusterfs.service.ownerships", null, "How often the service began to run on this node, by why it was granted.", true, "cause",
            service => [("start", service.Seen.Tally.Starts), ("failover", service.Seen.Tally.Failovers), ("move", service.Seen.Tally.Moves)]),
        Metric.OfService(
            "clusterfs.service.takeover_duration", Seconds, "From the newest grant to the service running on this node.", false,
            service => Known(service.Seen.Tally.TakeoverSeconds)),
        Metric.OfServiceBy(
            "clusterfs.service.restores", null, "How often the content was to be put in place on this node.", true, "result",
            service => [("done", service.Seen.Tally.RestoresDone), ("failed", service.Seen.Tally.RestoresFailed)]),
        Metric.OfService("clusterfs.service.restore_duration", Seconds, "How long that took the last time.", false, service => Known(service.Seen.Tally.RestoreSeconds)),
    ];

    private static IEnumerable<Metric> OfDumps() =>
    [
        Metric.OfService(
            "clusterfs.service.at_risk", Seconds, "What would be lost if the owner died now: all that was written in this time.", false,
            service => IsOwners(service) && service.Seen.Sight.AtRiskKnown ? service.Seen.Sight.AtRiskSeconds : null),
        Metric.OfService(
            "clusterfs.service.at_risk_size", Bytes, "Roughly how much that is.", false,
            service => IsOwners(service) && service.Seen.Sight.AtRiskKnown ? service.Seen.Sight.AtRiskBytes : null),
        Metric.OfServiceBy(
            "clusterfs.service.dumps", null, "Dumps that this node took.", true, "result",
            service =>
            [
                ("done", service.Seen.Tally.DumpsDone), ("failed", service.Seen.Tally.DumpsFailed), ("superseded", service.Seen.Tally.DumpsSuperseded),
            ]),
        Metric.OfService("clusterfs.service.dump_duration", Seconds, "How long they took in all.", true, service => service.Seen.Tally.DumpSeconds),
        Metric.OfService("clusterfs.service.dump_added", Bytes, "What they added to the archive.", true, service => service.Seen.Tally.DumpedBytes),
        Metric.OfService(
            "clusterfs.service.kept_files", null, "Clones that are kept of the newest dump's large files on this node.", false,
            service => service.Seen.Dumps.Kept?.Files),
        Metric.OfService(
            "clusterfs.service.kept_size", Bytes, "The room that they take at most.", false, service => service.Seen.Dumps.Kept?.Bytes),
        Metric.OfService("clusterfs.service.dump_failing", null, "On the owner: 1 when the newest dump failed.", false, service => IsOwners(service) ? Flag(!service.Seen.Dumps.Ok) : null),
        Metric.OfService(
            "clusterfs.service.last_dump_timestamp", Seconds, "When the newest dump was taken that this node has heard of.", false,
            service => StatusPicture.NewestDump(service.Seen.View, service.Seen)?.At.ToUnixTimeMilliseconds() / 1000.0),
        Metric.OfService(
            "clusterfs.service.last_dump_size", Bytes, "The size of the content in it.", false,
            service => StatusPicture.NewestDump(service.Seen.View, service.Seen)?.Bytes),
        Metric.OfService(
            "clusterfs.service.last_dump_sequence", null, "Its slot in the service's log.", false,
            service => StatusPicture.NewestDump(service.Seen.View, service.Seen)?.Sequence),
    ];

    private static IEnumerable<Metric> OfOthers() =>
    [
        Metric.OfService(
            "clusterfs.service.standby_lag", Seconds, "By how much this node's copy is older than the newest dump.", false,
            service => IsOwners(service) ? null : StatusPicture.StandbyLag(service.Seen.Sight, StatusPicture.NewestDump(service.Seen.View, service.Seen))),
        Metric.OfService(
            "clusterfs.service.standby_failing", null, "1 where the copy does not follow.", false,
            service => IsOwners(service) ? null : Flag(service.Seen.Sight.StandbyProblem is not null)),
        Metric.OfService("clusterfs.service.divergent_dumps", null, "Contents that are kept outside the line.", false, service => service.Seen.Divergent),
        Metric.OfServiceBy(
            "clusterfs.service.rehearsals", null, "Restores for rehearsal on this node.", true, "result",
            service => [("passed", service.Seen.Tally.RehearsalsPassed), ("failed", service.Seen.Tally.RehearsalsFailed)]),
        Metric.OfService(
            "clusterfs.service.rehearsal_passed_timestamp", Seconds, "When one went well last on this node.", false,
            service => service.Seen.Sight.Rehearsal?.PassedAt?.ToUnixTimeMilliseconds() / 1000.0),
        Metric.OfService(
            "clusterfs.service.rehearsal_duration", Seconds, "How long that took, check and all.", false,
            service => service.Seen.Sight.Rehearsal is { PassedSlot: > 0 } passed ? passed.PassedSeconds : null),
        Metric.OfService(
            "clusterfs.service.rehearsal_failing", null, "1 where the newest rehearsal failed, hangs or is overdue.", false,
            service => service.Seen.Sight.Rehearsal is { } known ? Flag(known.Problem is not null) : null),
    ];

    private static IEnumerable<Metric> OfFiles() =>
    [
        Metric.OfServiceBy(
            "clusterfs.service.logs_on_shared", null, "1 while the logs behind a link go to shared storage; 0 while they go to this node's disk.", false, "link",
            service => service.Logs.Select(link => (link.Link, Flag(link.Go is LogsGo.ToShared)))),
        Metric.OfServiceBy(
            "clusterfs.service.logs_waiting", Bytes, "Of logs on this node's disk, to be moved to shared storage.", false, "link",
            service => service.Logs.Select(link => (link.Link, (double)link.WaitingBytes))),
        Metric.OfServiceBy(
            "clusterfs.service.logs_failing", null, "1 where somebody should look at the link.", false, "link",
            service => service.Logs.Select(link => (link.Link, Flag(link.Problem is not null)))),
        Metric.By(
            "clusterfs.service.seeded_current", null, "1 where a seeded file is as it should be.", false, scene => scene.Seeded,
            file => Flag(file.Condition is SeededCondition.Current), ("service", file => file.Service), ("file", file => file.File)),
        Metric.By(
            "clusterfs.service.seeded_rendered_timestamp", Seconds, "When a seeded file was rendered last.", false,
            scene => scene.Seeded.Where(file => file.RenderedAt is not null), file => file.RenderedAt!.Value.ToUnixTimeSeconds(),
            ("service", file => file.Service), ("file", file => file.File)),
        Metric.By(
            "clusterfs.service.seeded_kept", null, "What somebody had changed by hand in a seeded file and was kept aside.", false, scene => scene.Seeded,
            file => file.Kept.Length, ("service", file => file.Service), ("file", file => file.File)),
    ];

    private static bool IsOwners(ServiceScene service) => service.Seen.Guard?.OpenTenure is not null;

    private static double Flag(bool value) => value ? 1 : 0;

    private static double? Known(double value) => value > 0 ? value : null;
}
