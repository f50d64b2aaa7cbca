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
    public void A_rehearsal_that_fails_is_told_but_for_what_was_there_before()
    {
        var watch = new NotificationWatch(Limits);
        var failed = new RehearsalSight(0, null, 0, true, "the check failed", At, false);
        var again = failed with { FailedAt = At + TimeSpan.FromHours(1) };

        Assert.Equal([], Kinds(watch, Owned(Sight with { Rehearsal = failed }), 0));
        Assert.Equal([NotificationKind.RehearsalFailed], Kinds(watch, Owned(Sight with { Rehearsal = again }), 1));

        // The daemon was started again, and has not read yet what became of them.
        Assert.Equal([], Kinds(watch, Owned(Sight), 2));
        Assert.Equal([], Kinds(watch, Owned(Sight with { Rehearsal = again }), 3));
        Assert.Equal([], Kinds(new NotificationWatch(Limits), Owned(Sight), 4));
    }

    [Fact]
    public void A_watch_that_begins_before_a_node_has_read_its_rehearsals_takes_them_for_told()
    {
        var watch = new NotificationWatch(Limits);
        var failed = new RehearsalSight(0, null, 0, true, "the check failed", At - TimeSpan.FromHours(1), false);

        Assert.Equal([], Kinds(watch, Owned(Sight), 0));
        Assert.Equal([], Kinds(watch, Owned(Sight with { Rehearsal = failed }), 1));
    }

    [Fact]
    public void What_is_kept_is_told_once_whoever_counts_it_and_however_often_a_daemon_starts()
    {
        var watch = new NotificationWatch(Limits);

        Assert.Equal([], Kinds(watch, Counts(NodeSight.NotLooked, NodeSight.NotLooked), 0));
        Assert.Equal([], Kinds(watch, Counts(1, NodeSight.NotLooked), 1));
        Assert.Equal([NotificationKind.Divergent], Kinds(watch, Counts(2, NodeSight.NotLooked), 2));

        // The other one counts it later, and the daemon of the first is started again.
        Assert.Equal([], Kinds(watch, Counts(2, 1), 3));
        Assert.Equal([], Kinds(watch, Counts(NodeSight.NotLooked, 1), 4));
        Assert.Equal([], Kinds(watch, Counts(2, 1), 5));
        Assert.Equal([], Kinds(watch, Counts(2, 2), 6));
    }

    [Fact]
    public void What_is_kept_after_others_were_dropped_is_told_whatever_a_dead_node_counted()
    {
        var watch = new NotificationWatch(Limits);

        Assert.Equal([], Kinds(watch, Counts(3, 3), 0));
        Assert.Equal([], Kinds(watch, Counts(3, 0), 1));
        Assert.Equal([NotificationKind.Divergent], Kinds(watch, Counts(3, 1), 2));
        Assert.Equal([], Kinds(watch, Counts(1, 1), 3));
    }

    /// <summary>It was lost, and is back with what it had not dumped.</summary>
    [Fact]
    public void What_a_node_keeps_before_it_counts_for_the_first_time_is_told()
    {
        var watch = new NotificationWatch(Limits);

        Assert.Equal([], Kinds(watch, Counts(NodeSight.NotLooked, 0), 0));
        Assert.Equal([NotificationKind.Divergent], Kinds(watch, Counts(1, 0), 1));
    }

    /// <summary>The grant is open for as long as nobody is fenced for another.</summary>
    [Fact]
    public void An_owner_that_was_lost_with_nobody_to_follow_is_told_once_and_then_that_there_is_none()
    {
        var watch = new NotificationWatch(Limits);
        var dead = Owned() with { Stage = OwnershipStage.Vacant, Reason = "nothing waits for it" };

        Assert.Equal([], Kinds(watch, Owned(), 0));
        var lost = Assert.Single(Look(watch, dead, 1));
        Assert.Equal((NotificationKind.Lost, "n1", "the lease of n1 ran out: nothing waits for it"), (lost.Kind, lost.Node, lost.Text));
        Assert.Equal([], Kinds(watch, dead, 2));
        Assert.Equal([NotificationKind.Vacant], Kinds(watch, dead, 21));

        // Somebody waits for it at last, and it is fenced; then it is lost again.
        Assert.False(watch.Admits(lost));
        Assert.True(watch.Admits(lost with { Kind = NotificationKind.Failover }));
        Assert.True(watch.Admits(lost));
    }

    [Fact]
    public void A_loss_that_the_journal_told_is_not_told_again()
    {
        var watch = new NotificationWatch(Limits);

        Assert.True(watch.Admits(new Notification(NotificationKind.Lost, "wiki", "n1", 8, "failover", "", At)));
        Assert.Equal([], Kinds(watch, Owned() with { Stage = OwnershipStage.Vacant }, 0));
        Assert.Equal([], Kinds(watch, Owned(), 1));
        Assert.Equal([NotificationKind.Lost], Kinds(watch, Owned() with { Stage = OwnershipStage.Vacant }, 2));
    }

    private static OwnershipView Counts(int one, int other) =>
        Owned(NodeSight.Nothing("n1") with { Divergent = one }, NodeSight.Nothing("n2") with { Divergent = other });

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
