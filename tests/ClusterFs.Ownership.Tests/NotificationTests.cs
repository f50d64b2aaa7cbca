using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;
using ClusterFs.Ownership.Notifications;

namespace ClusterFs.Ownership.Tests;

public sealed class NotificationTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly NotificationLimits Limits = new(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(60));
    private static readonly NodeSight Sight = NodeSight.Nothing("n1");

    [Fact]
    public void A_failover_is_told_when_it_is_over_with_all_that_is_known_of_it()
    {
        var book = new OwnershipHistoryBook();

        Assert.Equal(NotificationKind.Lost, Tell(book, new FencingBegun(At, 8, GrantCause.Failover))?.Kind);
        Assert.Null(Tell(book, Grant(8, "n2", GrantCause.Failover) with { Lost = new AtRisk("n1", 2.5, 4096) }));
        var told = Tell(book, new OwnershipStarted(At + TimeSpan.FromSeconds(1.5), 8, "n2"))!;

        Assert.Equal(
            (NotificationKind.Failover, "wiki", "n2", 8L, "failover", 1.5, 2.5, 4096L),
            (told.Kind, told.Service, told.Node, told.Epoch, told.Cause, told.DurationSeconds, told.LostSeconds, told.LostBytes));
        Assert.Equal(
            "epoch 8 granted to n2: the owner's lease ran out; at most the last 2.5 s of writes on n1 are missing; it runs on n2 under epoch 8, 1.5 s after the fence for it began",
            told.Text);
    }

    [Fact]
    public void Where_starts_are_not_in_the_history_the_grant_is_told()
    {
        var book = new OwnershipHistoryBook();
        Tell(book, new FencingBegun(At, 8, GrantCause.Failover), startsAreEntered: false);

        var told = Tell(book, Grant(8, "n2", GrantCause.Failover) with { Lost = new AtRisk("n1", 2.5, 4096) }, startsAreEntered: false);

        Assert.Equal((NotificationKind.Failover, "n2", 2.5, null), (told?.Kind, told?.Node, told?.LostSeconds, told?.DurationSeconds));
    }

    [Theory]
    [InlineData(GrantCause.Move, NotificationKind.Moved)]
    [InlineData(GrantCause.Start, NotificationKind.Started)]
    public void What_was_asked_for_has_kinds_of_its_own(GrantCause cause, NotificationKind kind)
    {
        var book = new OwnershipHistoryBook();

        Assert.Null(Tell(book, new FencingBegun(At, 8, cause)));
        Assert.Null(Tell(book, Grant(8, "n2", cause)));
        Assert.Equal(kind, Tell(book, new OwnershipStarted(At, 8, "n2"))?.Kind);
    }

    [Fact]
    public void An_end_without_handing_over_is_a_loss_and_one_with_is_none()
    {
        var book = new OwnershipHistoryBook();

        Assert.Equal(NotificationKind.Lost, Tell(book, new OwnershipReleased(At, 7, "n1", "the lease ran out"))?.Kind);
        Assert.Null(Tell(book, new OwnershipReleased(At, 7, "n1", "moved") { HandedOver = true }));
    }

    [Fact]
    public void A_service_without_an_owner_is_told_once_and_again_after_it_had_one()
    {
        var watch = new NotificationWatch(Limits);

        Assert.Equal([], Kinds(watch, Vacant, 0));
        Assert.Equal([], Kinds(watch, Vacant, 19));
        Assert.Equal([NotificationKind.Vacant], Kinds(watch, Vacant, 20));
        Assert.Equal([], Kinds(watch, Vacant, 60));
        Assert.Equal([], Kinds(watch, Owned(), 61));
        Assert.Equal([], Kinds(watch, Vacant, 70));
        Assert.Equal([NotificationKind.Vacant], Kinds(watch, Vacant, 90));
    }

    [Fact]
    public void One_that_is_meant_to_have_none_is_not_told()
    {
        var watch = new NotificationWatch(Limits);

        Assert.Equal([], Kinds(watch, Vacant with { Paused = true }, 0));
        Assert.Equal([], Kinds(watch, Vacant with { Damped = true }, 100));
        Assert.Equal([], Kinds(watch, Vacant, 101));
    }

    [Fact]
    public void Dumps_that_are_overdue_are_told_once()
    {
        var watch = new NotificationWatch(Limits);
        var late = Owned(Sight with { AtRiskKnown = true, AtRiskSeconds = 61, DumpProblem = "no space" });

        Assert.Equal([], Kinds(watch, Owned(Sight with { AtRiskKnown = true, AtRiskSeconds = 59 }), 0));
        Assert.Equal("what n1 writes has been in no dump for 61 s: no space", Assert.Single(Look(watch, late, 1)).Text);
        Assert.Equal([], Kinds(watch, late, 2));
        Assert.Equal([], Kinds(watch, Owned(Sight with { AtRiskKnown = true }), 3));
        Assert.Equal([NotificationKind.DumpOverdue], Kinds(watch, late, 4));
    }

    [Fact]
    public void What_is_kept_and_rehearsals_that_fail_are_told_but_for_what_was_there_before()
    {
        var watch = new NotificationWatch(Limits);
        var failed = new RehearsalSight(0, null, 0, true, "the check failed", At, false);

        Assert.Equal([], Kinds(watch, Owned(Sight with { Divergent = 1, Rehearsal = failed }), 0));
        Assert.Equal([NotificationKind.Divergent], Kinds(watch, Owned(Sight with { Divergent = 2, Rehearsal = failed }), 1));
        Assert.Equal([], Kinds(watch, Owned(Sight with { Divergent = 0, Rehearsal = failed }), 2));
        Assert.Equal(
            [NotificationKind.RehearsalFailed], Kinds(watch, Owned(Sight with { Rehearsal = failed with { FailedAt = At + TimeSpan.FromHours(1) } }), 3));
    }

    private static OwnershipView Vacant => new("wiki", OwnershipStage.Vacant, null, 7, 7, [], "nobody waits for it", null, false, []);

    private static OwnershipView Owned(params NodeSight[] sights) => new("wiki", OwnershipStage.Owned, "n1", 7, 7, [], null, null, false, sights);

    private static IReadOnlyList<Notification> Look(NotificationWatch watch, OwnershipView view, int seconds) =>
        watch.Look(view, new Instant(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds)), At);

    private static IEnumerable<NotificationKind> Kinds(NotificationWatch watch, OwnershipView view, int seconds) =>
        Look(watch, view, seconds).Select(told => told.Kind);

    private static Notification? Tell(OwnershipHistoryBook book, OwnershipEvent happened, bool startsAreEntered = true)
    {
        var grant = book.NewestGrant;
        return NotificationRules.Of("wiki", happened, book.Enter(happened), grant, startsAreEntered);
    }

    private static OwnershipGranted Grant(long epoch, string node, GrantCause cause) =>
        new(At, epoch, node, ImmutableSortedSet.Create(StringComparer.Ordinal, "n2"), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1), cause);
}
