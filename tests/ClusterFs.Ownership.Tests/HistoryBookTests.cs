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
        Assert.Contains("2.5 s of writes were at risk when n1 was heard last", granted.Text, StringComparison.Ordinal);
        Assert.Equal(("failover", 1.25), (started.Cause, started.DurationSeconds));
    }

    [Fact]
    public void What_nobody_knows_is_said_to_be_unknown_and_a_move_loses_nothing()
    {
        var book = new OwnershipHistoryBook();

        Assert.Contains("what was at risk is not known", book.Enter(Grant(GrantCause.Failover)).Text, StringComparison.Ordinal);
        Assert.DoesNotContain("risk", book.Enter(Grant(GrantCause.Move)).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void The_duration_of_one_epoch_is_not_that_of_another()
    {
        var book = new OwnershipHistoryBook();
        book.Enter(new FencingBegun(At, 7, GrantCause.Start));

        Assert.Null(book.Enter(new OwnershipStarted(At, 8, "n2")).DurationSeconds);
    }

    private static OwnershipGranted Grant(GrantCause cause) =>
        new(At, 8, "n2", ImmutableSortedSet.Create(StringComparer.Ordinal, "n2"), TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1), cause);
}
