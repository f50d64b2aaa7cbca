using System.Collections.Immutable;
using ClusterFs.Api;
using ClusterFs.Archive.Lineage;
using ClusterFs.Content.Config;
using ClusterFs.Content.Config.Rollout;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Content.Seeded;
using ClusterFs.Content.Static;
using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Content;
using ClusterFs.Node.Guards;
using ClusterFs.Node.Metrics;
using ClusterFs.Node.Notifications;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Tests.Metrics;

/// <summary>A scene in which every metric has something to say.</summary>
internal static class FullScene
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static RolloutState Stopped => new(
        5, "nonce", "n1", At, null, 0,
        new RolloutProgress("fedcba", ["n1", "n2"], ImmutableSortedDictionary<string, NodeOutcome>.Empty, null, new RolloutFailure("n1", "refused"), 4));

    public static Scene Create(int services = 1) => new("n1", "1.2.3")
    {
        IsReady = true,
        Members = [new MemberStatus("n1", "a", "up", true), new MemberStatus("n2", "b", "up", false)],
        JournalAnswers = true,
        GuardAnswers = true,
        CertificateExpires = At,
        Guard = new FiguresReply
        {
            Votes = { new VoteCount { Request = "renew", Outcome = "acked", Count = 5 } },
            Renewals = { new RenewalCount { Voter = "n2", Acked = 7, Refused = 1, Unanswered = 2, Messages = 8, Seconds = 0.25 } },
            LeasesLost = 1,
            LeasesOpen = 2,
        },
        Notified = new NotifierFigures(3, 2, 1),
        Process = new ProcessFigures(100, TimeSpan.FromSeconds(2), At),
        Services = [Owned("wiki"), Standby("mail"), .. Enumerable.Range(2, Math.Max(0, services - 2)).Select(number => Owned($"s{number}"))],
        Static =
        [
            new StaticState("wiki", "www", "/var/www/wiki", StaticCondition.Behind, 3, 4, At, At, TimeSpan.FromSeconds(2), "waiting for n2", 5000, 70, ["/var/www/.kept"])
            {
                Switches = 6,
            },
            new StaticState("wiki", "new", "/var/www/new", StaticCondition.Empty, 0, 0, null, null, null, "nothing was published yet", 0, 0, []),
        ],
        Config =
        [
            new ConfigState("wiki", "nginx", "wiki.conf", "/etc/nginx/nginx.conf", "0123456789abcdef", ConfigCondition.Failed, "the check refused it", At, ["/etc/nginx/.kept"], Stopped)
            {
                Uses = 2,
                Failures = 1,
            },
            new ConfigState("news", "postfix", "main.cf", "/etc/postfix/main.cf", null, ConfigCondition.Unknown, "nobody has looked yet", null, [], null),
        ],
        Seeded =
        [
            new SeededState("wiki", "/etc/wiki.conf", "wiki.in", SeededCondition.Edited, "it was changed", At, "first", ["/etc/.kept"]) { Renderings = 8, Failures = 9 },
        ],
    };

    private static ServiceScene Owned(string name)
    {
        var sight = NodeSight.Nothing("n1") with { AtRiskKnown = true, AtRiskSeconds = 1.5, AtRiskBytes = 4096 };
        var view = new OwnershipView(name, OwnershipStage.Owned, "n1", 7, 7, ["n1"], null, null, false, [sight]) { FailedOver = true };
        var guard = new GuardReport(true, LeasePhase.Running, 7, 7, 6, default(Instant) + TimeSpan.FromSeconds(4), 4711, null, null);
        return new ServiceScene(
            name,
            true,
            new ServiceSnapshot(name, guard, sight, default, view, new DumpSeen(7, 12, At, 5120), 1, DumpCondition.Unknown with { Kept = new KeptFigures(2, 3L << 30, null) })
            {
                Tally = WorkTally.None
                    .With(WorkKind.TakeOver, new WorkResult(WorkOutcome.Done, null, null, 0, null, null), TimeSpan.FromSeconds(0.5))
                    .With(WorkKind.Dump, new WorkResult(WorkOutcome.Done, null, null, 300, null, null), TimeSpan.FromSeconds(0.25))
                    .With(WorkKind.Dump, new WorkResult(WorkOutcome.Failed, "full", null, 0, null, null), TimeSpan.FromSeconds(0.25))
                    .WithRehearsal(passed: true)
                    .WithStart(GrantCause.Failover, TimeSpan.FromSeconds(0.75)),
            },
            TimeSpan.FromSeconds(4),
            [new LogLinkState("/var/log/wiki", LogsGo.ToShared, At, 10, 0, null)])
        {
            FreshView = view,
        };
    }

    private static ServiceScene Standby(string name)
    {
        var sight = NodeSight.Nothing("n1") with
        {
            StandbySlot = 11,
            StandbyAt = At - TimeSpan.FromSeconds(3),
            Rehearsal = new RehearsalSight(11, At, 1.9, true, null, null, false),
        };
        var guard = new GuardReport(false, LeasePhase.Closed, 6, 6, 6, null, null, null, null);
        return new ServiceScene(
            name, false, new ServiceSnapshot(name, guard, sight, default, null, new DumpSeen(7, 12, At, 5120), 0, DumpCondition.Unknown), TimeSpan.Zero, []);
    }
}
