using System.Collections.Immutable;
using ClusterFs.Api;
using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Content;
using ClusterFs.Node.Guards;
using ClusterFs.Node.Health;
using ClusterFs.Ownership.Journal;
using ClusterFs.Ownership.Messages;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace ClusterFs.Node.Tests.Health;

public sealed class HealthRulesTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly Instant Now = new(TimeSpan.FromHours(1), TimeSpan.FromHours(2));
    private static readonly OwnershipView View = new("wiki", OwnershipStage.Owned, "n1", 7, 7, [], null, null, false, []);
    private static readonly JournalCondition JournalUp = new(true, At, null);
    private static readonly ImmutableArray<MemberStatus> AllUp = [Member("n1"), Member("n2"), Member("n3")];

    [Fact]
    public void A_node_with_everything_is_ready() => Assert.Equal(200, HealthRules.Ready("n1", null, JournalUp, true, AllUp).Status);

    [Fact]
    public void Every_reason_is_said()
    {
        var verdict = HealthRules.Ready("n1", "gone", new JournalCondition(false, At, "refused"), false, [Member("n1", "joining"), Member("n2"), Member("n3")]);

        Assert.Equal(503, verdict.Status);
        Assert.Equal(4, verdict.Reasons.Length);
        Assert.Contains("the guard does not answer: gone", verdict.Reasons);
        Assert.Contains("the journal's database does not answer: refused", verdict.Reasons);
    }

    [Fact]
    public void A_node_without_a_majority_is_not_ready()
    {
        var verdict = HealthRules.Ready("n1", null, JournalUp, true, [Member("n1"), Member("n2", reachable: false), Member("n3", "unknown")]);

        Assert.Equal(503, verdict.Status);
        Assert.Equal("n1 sees no majority of the nodes: without n2, n3", Assert.Single(verdict.Reasons));
    }

    [Theory]
    [InlineData(false, false, 404)]
    [InlineData(true, false, 503)]
    [InlineData(true, true, 200)]
    public void Only_where_it_runs_is_the_owner(bool isConfigured, bool runs, int status) => Assert.Equal(status, HealthRules.Owner(isConfigured, runs).Status);

    /// <summary>What stands in the way of a report (a stream, mailboxes, a daemon that stood still) must not make the lease longer.</summary>
    [Fact]
    public void A_report_that_was_long_under_way_is_of_a_lease_that_has_ended()
    {
        var drawn = new Instant(TimeSpan.FromHours(1), TimeSpan.FromHours(2));
        var until = drawn + TimeSpan.FromSeconds(4);
        var report = new ServiceReport
        {
            Service = "wiki", Phase = Phase.Running, Epoch = 7, Tenure = 7, ClosedEpoch = 6, LeaseRemainingMs = 4000,
            ValidUntilBoottime = until.Boottime.Ticks, ValidUntilMonotonicRaw = until.MonotonicRaw.Ticks,
        };
        var readAt = drawn + TimeSpan.FromSeconds(10);

        Assert.True(HealthRules.Runs(GuardReport.From(report, drawn), drawn + TimeSpan.FromSeconds(3.9)));
        Assert.False(HealthRules.Runs(GuardReport.From(report, readAt), readAt));
        Assert.Equal(TimeSpan.Zero, GuardReport.From(report, readAt).LeaseRemaining(readAt));
    }

    [Fact]
    public void A_guard_that_does_not_say_when_its_lease_ends_is_counted_from_when_it_was_read()
    {
        var readAt = new Instant(TimeSpan.FromHours(1), TimeSpan.FromHours(2));
        var report = GuardReport.From(new ServiceReport { Phase = Phase.Running, Epoch = 7, Tenure = 7, LeaseRemainingMs = 4000 }, readAt);

        Assert.True(HealthRules.Runs(report, readAt + TimeSpan.FromSeconds(3.9)));
        Assert.False(HealthRules.Runs(report, readAt + TimeSpan.FromSeconds(4)));
    }

    [Theory]
    [InlineData(12, "0s", 200)]
    [InlineData(11, "5s", 503)]
    [InlineData(11, "10s", 200)]
    [InlineData(11, null, 200)]
    [InlineData(0, null, 503)]
    public void A_copy_is_as_old_as_it_is(long copy, string? maxLag, int status)
    {
        var seen = Standby(copy);
        var lag = maxLag is null ? (TimeSpan?)null : TimeSpan.FromSeconds(double.Parse(maxLag[..^1], System.Globalization.CultureInfo.InvariantCulture));

        Assert.Equal(status, HealthRules.Standby(true, seen, false, lag, hasQuorum: true, Now).Status);
    }

    [Fact]
    public void A_copy_whose_age_cannot_be_known_or_that_does_not_follow_is_none()
    {
        Assert.Equal(503, HealthRules.Standby(true, Standby(12), false, TimeSpan.FromMinutes(1), hasQuorum: false, Now).Status);
        Assert.Equal(503, HealthRules.Standby(true, Standby(12), false, TimeSpan.FromMinutes(1), hasQuorum: true, Now + TimeSpan.FromSeconds(4)).Status);
        Assert.Equal(503, HealthRules.Standby(true, Standby(12, "the disk is full"), false, null, hasQuorum: true, Now).Status);
        Assert.Equal(503, HealthRules.Standby(true, Standby(12), runs: true, null, hasQuorum: true, Now).Status);
        Assert.Equal(503, HealthRules.Standby(true, null, false, null, hasQuorum: true, Now).Status);
        Assert.Equal(404, HealthRules.Standby(false, null, false, null, hasQuorum: true, Now).Status);
    }

    [Theory]
    [InlineData("max-lag", "5s", true)]
    [InlineData("max-lag", "5", false)]
    [InlineData("max-lag", "-5s", false)]
    [InlineData("max-lag", "", false)]
    [InlineData("max_lag", "5s", false)]
    public void A_query_that_is_not_understood_is_refused(string name, string value, bool understood) =>
        Assert.Equal(understood, HealthRules.ReadLag(new QueryCollection(new Dictionary<string, StringValues> { [name] = value }), out _) is null);

    [Fact]
    public void A_query_that_says_two_things_is_refused() => Assert.Equal(
        400, HealthRules.ReadLag(new QueryCollection(new Dictionary<string, StringValues> { ["max-lag"] = new(["1s", "1h"]) }), out _)?.Status);

    private static MemberStatus Member(string name, string status = "up", bool reachable = true) => new(name, "127.0.0.1:4053", status, reachable);

    /// <summary>The newest dump is 12, and each is ten seconds newer than the one before.</summary>
    private static ServiceSnapshot Standby(long copy, string? problem = null)
    {
        var sight = NodeSight.Nothing("n2") with { StandbySlot = copy, StandbyAt = copy == 0 ? null : At - ((12 - copy) * TimeSpan.FromSeconds(10)), StandbyProblem = problem };
        var report = new GuardReport(true, LeasePhase.Closed, 6, 6, 6, null, null, null, null);
        return new ServiceSnapshot("wiki", report, sight, default(Instant), View, new DumpSeen(7, 12, At, 5120), 0, DumpCondition.Unknown)
        {
            ViewCountsUntil = Now + TimeSpan.FromSeconds(3),
        };
    }
}
