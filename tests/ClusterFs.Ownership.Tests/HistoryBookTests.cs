using System.Collections.Immutable;
using ClusterFs.Lease.Ownership;

namespace ClusterFs.Ownership.Tests;

public sealed class HistoryBookTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void A_failover_has_its_cause_its_duration_and_what_was_at_risk()
    {
        var book = new OwnershipHistoryBook();
        book.Enter(new FencingBegun(At, 8, GrantCause.Failover));
        var granted = book.Enter(Grant(GrantCause.Failover) with { Lost = new AtRisk("n1", 2.5, 4096) });
        var started = book.Enter(new OwnershipStarted(At + TimeSpan.FromSeconds(1.25), 8, "n2"));

        Assert.Equal(("failover", 2.5, 4096L), (granted.Cause, granted.LostSeconds, granted.LostBytes));
        Assert.Contains("at most the last 2.5 s of writes on n1 are missing", granted.Entry.Text, StringComparison.Ordinal);
        Assert.Equal(("failover", 1.25), (started.Cause, started.DurationSeconds));
    }

    [Fact]
    public void What_nobody_knows_is_said_to_be_unknown_and_a_move_loses_nothing()
    {
        var book = new OwnershipHistoryBook();

        Assert.Contains("what is missing is not known", book.Enter(Grant(GrantCause.Failover)).Entry.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("missing", book.Enter(Grant(GrantCause.Move)).Entry.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_duration_of_one_epoch_is_not_that_of_another()
    {
        var book = new OwnershipHistoryBook();
        book.Enter(new FencingBegun(At, 7, GrantCause.Start));

        Assert.Null(book.Enter(new OwnershipStarted(At, 8, "n2")).DurationSeconds);
    }

    [Theory]
    [InlineData("n1", false, "failover")]
    [InlineData("n1", true, "start")]
    [InlineData("n2", false, "start")]
    public void A_service_that_goes_elsewhere_after_its_owner_ended_without_handing_over_has_failed_over(string before, bool handedOver, string cause)
    {
        var book = new OwnershipHistoryBook();
        book.Enter(Grant(GrantCause.Start, before, 7));
        book.Enter(new OwnershipReleased(At, 7, before, "no majority of voters renewed the lease") { HandedOver = handedOver });
        book.Enter(new FencingBegun(At, 8, GrantCause.Start));

        Assert.Equal(cause, book.Enter(Grant(GrantCause.Start)).Cause);
        Assert.Equal(cause, book.Enter(new OwnershipStarted(At, 8, "n2")).Cause);
        Assert.Equal("start", book.Enter(Grant(GrantCause.Start, "n2", 9)).Cause);
    }

    private static OwnershipGranted Grant(GrantCause cause, string node = "n2", long epoch = 8) =>
        new(At, epoch, node, ImmutableSortedSet.Create(StringComparer.Ordinal, "n2"), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1), cause);
}
