using System.Collections.Immutable;
using ClusterFs.Content.Config;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Content.Seeded;
using ClusterFs.Content.Static;
using ClusterFs.Node.Api;
using ClusterFs.Node.Cluster;

namespace ClusterFs.Node.Metrics;

/// <summary>Every metric there is; docs/metrics.md says the same, and a test compares them. Pure.</summary>
internal static class MetricBook
{
    private const string Seconds = "s";
    private const string Bytes = "By";
    private const int ShownDigits = 12;

    public static ImmutableArray<Metric> All { get; } = [.. OfNode(), .. OfGuard(), .. OfService(), .. OfDumps(), .. OfOthers(), .. OfLogs(), .. OfStatic(), .. OfConfig(), .. OfSeeded()];

    private static IEnumerable<Metric> OfNode() =>
    [
        Metric.By("clusterfs.build_info", null, "Always 1; the label says which version runs.", false, scene => Enumerable.Repeat(scene, 1), _ => 1, ("version", scene => scene.Version)),
        Metric.Of("clusterfs.ready", null, "1 when /ready says yes.", false, scene => Flag(scene.IsReady)),
        Metric.Of("clusterfs.node_drained", null, "1 while this node takes no service, because somebody drained it.", false, scene => Flag(scene.IsDrained)),
        Metric.By(
            "clusterfs.cluster_member_up", null, "1 for each configured node that is a member of the cluster and reached by this node.", false,
            scene => scene.Members, member => Flag(member is { Status: "up", Reachable: true }), ("member", member => member.Name)),
        Metric.Of("clusterfs.cluster_quorum", null, "1 when this node sees a majority of the nodes.", false, scene => Flag(Membership.HasQuorum(scene.Members))),
        Metric.Of("clusterfs.journal_up", null, "1 when the journal's database answers this node.", false, scene => scene.JournalAnswers is { } up ? Flag(up) : null),
        Metric.Of("clusterfs.guard_up", null, "1 when this node's guard answers its daemon.", false, scene => Flag(scene.GuardAnswers)),
        Metric.Of(
            "clusterfs.certificate_expiry_timestamp", Seconds, "When the certificate ends that the daemon uses.", false,
            scene => scene.CertificateExpires?.ToUnixTimeSeconds()),
        Metric.By(
            "clusterfs.notifications", null, "Events of which this node had somebody told (ok), could not (failed), or had no room for (dropped).", true,
            scene => scene.Notified is { } told ? new[] { ("ok", told.Succeeded), ("failed", told.Failed), ("dropped", told.Dropped) } : [],
            count => count.Item2, ("outcome", count => count.Item1)),
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

    private static IEnumerable<Metric> OfLogs() =>
    [
        Metric.OfServiceBy(
            "clusterfs.service.logs_on_shared", null, "1 while the logs behind a link go to shared storage; 0 while they go to this node's disk.", false, "link",
            service => service.Logs.Select(link => (link.Link, Flag(link.Go is LogsGo.ToShared)))),
        Metric.OfServiceBy(
            "clusterfs.service.logs_waiting", Bytes, "Of logs on this node's disk, to be moved to shared storage.", false, "link",
            service => service.Logs.Select(link => (link.Link, (double)link.WaitingBytes))),
        Metric.OfServiceBy(
            "clusterfs.service.logs_still_open", null, "Log files that were copied, and that some process still may write to here.", false, "link",
            service => service.Logs.Select(link => (link.Link, (double)link.StillOpen))),
        Metric.OfServiceBy(
            "clusterfs.service.logs_failing", null, "1 where somebody should look at the link.", false, "link",
            service => service.Logs.Select(link => (link.Link, Flag(link.Problem is not null)))),
    ];

    private static IEnumerable<Metric> OfStatic() =>
    [
        OfContent("current", null, "1 where the newest generation is served, or nothing was published yet.", content => Flag(content.Condition is StaticCondition.Current or StaticCondition.Empty)),
        OfContent("failing", null, "1 where a generation cannot be served, and somebody should look.", content => Flag(content.Condition is StaticCondition.Failed)),
        OfContent("generation", null, "The generation that is served; 0 for none.", content => content.Current),
        OfContent("newest_generation", null, "The newest that was seen on shared storage; 0 for none.", content => content.Head),
        OfContent("published_timestamp", Seconds, "When the generation that is served was published.", content => UnixSeconds(content.PublishedAt)),
        OfContent("switched_timestamp", Seconds, "When this node switched to it.", content => UnixSeconds(content.Since)),
        OfContent("unseen", Seconds, "Since shared storage was looked at with success.", content => content.SeenAgo?.TotalSeconds),
        OfContent("local", Bytes, "Of what is served, from this node's disk.", content => content.LocalBytes),
        OfContent("shared", Bytes, "Of what is served, from shared storage.", content => content.SharedBytes),
        OfContent("kept", null, "Directories that were in the place of the link, and were kept.", content => content.Kept.Length),
        Metric.By(
            "clusterfs.service.static_switches", null, "How often this node switched to another generation.", true, scene => scene.Static, content => content.Switches,
            ("service", content => content.Service), ("content", content => content.Name)),
    ];

    private static IEnumerable<Metric> OfConfig() =>
    [
        OfConfig("current", null, "1 where the version in use is the one that should be, and nobody changed it.", file => Flag(file.Condition is ConfigCondition.Current)),
        OfConfig("drifted", null, "1 where somebody changed on this node what was put there.", file => Flag(file.Condition is ConfigCondition.Drifted)),
        OfConfig("failing", null, "1 where this node cannot use the version that should be in use, or the source cannot be used.", file => Flag(file.Condition is ConfigCondition.Failed)),
        OfConfig(
            "rollout_stopped", null, "1 while the newest roll-out stands stopped, as this node sees it.",
            file => file.Rollout is { } state ? Flag(state.Rollout.Failure is not null) : null),
        OfConfig("activated_timestamp", Seconds, "When the version in use came into use.", file => UnixSeconds(file.ActivatedAt)),
        OfConfig("kept", null, "What somebody had changed and was kept aside.", file => file.Kept.Length),
        Metric.By(
            "clusterfs.service.config_version_info", null, "Always 1; the label says which version is in use.", false,
            scene => scene.Config.Where(file => file.Version is not null), _ => 1,
            ("service", file => file.Service), ("config", file => file.Name), ("version", file => file.Version![..Math.Min(ShownDigits, file.Version!.Length)])),
        Metric.By(
            "clusterfs.service.config_versions", null, "Versions that this node tried to use.", true,
            scene => scene.Config.SelectMany(file => new[] { (File: file, Result: "used", Count: file.Uses), (File: file, Result: "failed", Count: file.Failures) }), one => one.Count,
            ("service", one => one.File.Service), ("config", one => one.File.Name), ("result", one => one.Result)),
    ];

    private static IEnumerable<Metric> OfSeeded() =>
    [
        OfSeeded("current", null, "1 where a seeded file is as it should be.", false, file => Flag(file.Condition is SeededCondition.Current)),
        OfSeeded("edited", null, "1 where somebody changed it on this node.", false, file => Flag(file.Condition is SeededCondition.Edited)),
        OfSeeded("rendered_timestamp", Seconds, "When a seeded file was rendered last.", false, file => UnixSeconds(file.RenderedAt)),
        OfSeeded("kept", null, "What somebody had changed by hand in a seeded file and was kept aside.", false, file => file.Kept.Length),
        OfSeeded("renderings", null, "How often it was rendered.", true, file => file.Renderings),
        OfSeeded("failures", null, "Problems of its template, its check, its place or its reload; one that stays is one.", true, file => file.Failures),
    ];

    private static Metric OfContent(string name, string? unit, string help, Func<StaticState, double?> read) => Metric.By(
        $"clusterfs.service.static_{name}", unit, help, false, scene => scene.Static.Where(content => read(content) is not null), content => read(content)!.Value,
        ("service", content => content.Service), ("content", content => content.Name));

    private static Metric OfConfig(string name, string? unit, string help, Func<ConfigState, double?> read) => Metric.By(
        $"clusterfs.service.config_{name}", unit, help, false, scene => scene.Config.Where(file => read(file) is not null), file => read(file)!.Value,
        ("service", file => file.Service), ("config", file => file.Name));

    private static Metric OfSeeded(string name, string? unit, string help, bool counts, Func<SeededState, double?> read) => Metric.By(
        $"clusterfs.service.seeded_{name}", unit, help, counts, scene => scene.Seeded.Where(file => read(file) is not null), file => read(file)!.Value,
        ("service", file => file.Service), ("file", file => file.File));

    private static double? UnixSeconds(DateTimeOffset? at) => at?.ToUnixTimeMilliseconds() / 1000.0;

    private static bool IsOwners(ServiceScene service) => service.Seen.Guard?.OpenTenure is not null;

    private static double Flag(bool value) => value ? 1 : 0;

    private static double? Known(double value) => value > 0 ? value : null;
}
