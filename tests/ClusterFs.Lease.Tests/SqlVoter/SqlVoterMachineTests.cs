using ClusterFs.Lease.SqlVoter;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Lease.Tests.SqlVoter;

public sealed class SqlVoterMachineTests
{
    private const string Wiki = "wiki";
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);
    private static readonly SqlVoterRow Joined = SqlVoterRow.New(Wiki, Guid.NewGuid()) with { Floor = Binding.None, LongestTtl = Ttl };
    private static int _rounds;

    [Fact]
    public void Another_node_at_the_same_epoch_is_refused_for_ever()
    {
        var row = Acked(Joined, 1, "n1");
        Assert.Equal(RenewOutcome.BelowFloor, Renewed(new SqlVoterSight(row, Moments.At(0)), 1, "n2", Moments.At(1000)).Outcome);
    }

    [Fact]
    public void A_higher_epoch_is_acked_to_whoever_saw_no_renewal_for_a_whole_ttl()
    {
        var sight = new SqlVoterSight(Acked(Joined, 1, "n1"), Moments.At(100));
        Assert.Equal(RenewOutcome.Promised, Renewed(sight, 2, "n2", Moments.At(104.9)).Outcome);
        Assert.Equal(RenewOutcome.Acked, Renewed(sight, 2, "n2", Moments.At(105)).Outcome);
    }

    [Fact]
    public void A_node_goes_on_under_a_higher_epoch_while_its_own_promise_runs()
    {
        var sight = new SqlVoterSight(Acked(Joined, 1, "n1"), Moments.At(100));
        Assert.Equal(RenewOutcome.Acked, Renewed(sight, 2, "n1", Moments.At(101)).Outcome);
        Assert.Equal(RenewOutcome.Promised, Renewed(sight, 2, "n2", Moments.At(101)).Outcome);
    }

    [Fact]
    public void A_renewal_in_between_makes_the_wait_begin_again()
    {
        var first = Acked(Joined, 1, "n1");
        var sight = SqlVoterSight.Of(null, first, Moments.At(100));
        sight = SqlVoterSight.Of(sight, first, Moments.At(104));
        Assert.Equal(TimeSpan.FromSeconds(1), sight.StandsStillIn(Moments.At(104)));

        sight = SqlVoterSight.Of(sight, Acked(first, 1, "n1"), Moments.At(104.5));
        Assert.Equal(TimeSpan.FromSeconds(5), sight.StandsStillIn(Moments.At(104.5)));
    }

    [Fact]
    public void A_database_put_back_to_an_earlier_state_that_counts_the_same_numbers_again_is_not_taken_for_one_that_stands_still()
    {
        var backup = Acked(Joined, 1, "n1");
        var lost = Acked(backup, 1, "n1");
        var again = Acked(backup, 1, "n1");
        Assert.Equal(lost.Renewals, again.Renewals);

        var sight = SqlVoterSight.Of(SqlVoterSight.Of(null, lost, Moments.At(100)), again, Moments.At(105));
        Assert.Equal(FenceOutcome.Promised, Fenced(sight, 2, agreed: false, Moments.At(105)).Reply.Outcome);
    }

    [Fact]
    public void Both_clocks_must_have_seen_the_ttl_pass()
    {
        var sight = new SqlVoterSight(Acked(Joined, 1, "n1"), Moments.At(100));
        var apart = new Instant(TimeSpan.FromSeconds(200), TimeSpan.FromSeconds(104));
        Assert.Equal(FenceOutcome.Promised, Fenced(sight, 2, agreed: false, apart).Reply.Outcome);
    }

    [Fact]
    public void A_fence_is_refused_while_a_promise_may_run_and_ends_it_when_it_cannot()
    {
        var sight = new SqlVoterSight(Acked(Joined, 1, "n1"), Moments.At(100));
        var early = Fenced(sight, 2, agreed: false, Moments.At(103));
        Assert.Equal((null, FenceOutcome.Promised, TimeSpan.FromSeconds(2)), (early.Row, early.Reply.Outcome, early.Reply.Remaining));

        var late = Fenced(sight, 2, agreed: false, Moments.At(105));
        Assert.Equal((FenceOutcome.Raised, TimeSpan.Zero), (late.Reply.Outcome, late.Reply.Remaining));
        Assert.Equal((new Binding(2, null), null), (late.Row!.Floor, late.Row.Promised));
    }

    [Fact]
    public void A_fence_whose_over_promises_rises_at_once_is_waited_for_and_leaves_the_promise_on_record()
    {
        var sight = new SqlVoterSight(Acked(Joined, 1, "n1"), Moments.At(100));
        var (row, reply) = Fenced(sight, 2, agreed: true, Moments.At(102));
        Assert.Equal((FenceOutcome.Raised, TimeSpan.FromSeconds(3)), (reply.Outcome, reply.Remaining));

        // A process that has not watched cannot know that the promise is over, and the one that watches is not acked before.
        var risen = sight with { Row = row! };
        Assert.Equal(RenewOutcome.Promised, Renewed(new SqlVoterSight(row!, Moments.At(104)), 2, "n2", Moments.At(105)).Outcome);
        Assert.Equal(RenewOutcome.Promised, Renewed(risen, 2, "n2", Moments.At(104.9)).Outcome);
        Assert.Equal(RenewOutcome.Acked, Renewed(risen, 2, "n2", Moments.At(105)).Outcome);
        Assert.Equal(RenewOutcome.BelowFloor, Renewed(risen, 1, "n1", Moments.At(102)).Outcome);
    }

    [Fact]
    public void A_release_ends_exactly_its_own_promise_and_nobody_waits_then()
    {
        var sight = new SqlVoterSight(Acked(Joined, 2, "n1"), Moments.At(100));
        Assert.Null(SqlVoterMachine.Decide(sight, new Release(Wiki, 1, "n1"), Moments.At(101)).Write);
        Assert.Null(SqlVoterMachine.Decide(sight, new Release(Wiki, 2, "n2"), Moments.At(101)).Write);

        var released = SqlVoterMachine.Decide(sight, new Release(Wiki, 2, "n1"), Moments.At(101)).Write!;
        Assert.Equal((new Binding(2, "n1"), null), (released.Floor, released.Promised));
        Assert.Equal(TimeSpan.Zero, Fenced(new SqlVoterSight(released, Moments.At(101)), 3, agreed: false, Moments.At(101)).Reply.Remaining);
    }

    [Fact]
    public void A_fence_below_the_floor_or_of_a_bound_epoch_says_so()
    {
        var sight = new SqlVoterSight(Acked(Joined, 2, "n1"), Moments.At(0));
        Assert.Equal(FenceOutcome.BelowFloor, Fenced(sight, 1, agreed: false, Moments.At(100)).Reply.Outcome);
        Assert.Equal(FenceOutcome.BelowFloor, Fenced(sight, 2, agreed: true, Moments.At(100)).Reply.Outcome);
    }

    [Fact]
    public void A_row_that_is_missing_or_new_abstains_and_joins_after_what_it_may_have_promised()
    {
        Assert.True(Probed(null, Moments.At(100)).Abstains);
        Assert.Equal(RenewOutcome.Abstained, Renewed(null, 1, "n1", Moments.At(100)).Outcome);

        var sight = new SqlVoterSight(SqlVoterRow.New(Wiki, Guid.NewGuid()), Moments.At(100));
        Assert.True(Probed(sight, Moments.At(100)).Abstains);
        Assert.Equal(RenewOutcome.Abstained, Renewed(sight, 1, "n1", Moments.At(200)).Outcome);
        Assert.Equal(FenceOutcome.Abstained, Fenced(sight, 1, agreed: true, Moments.At(200)).Reply.Outcome);

        var join = new Join(Wiki, sight.Row.Identity, new Binding(3, "n1"), Ttl);
        Assert.Null(SqlVoterMachine.Decide(sight, join, Moments.At(104.9)).Write);
        Assert.Null(SqlVoterMachine.Decide(sight, join with { Identity = Guid.NewGuid() }, Moments.At(105)).Write);
        var joined = SqlVoterMachine.Decide(sight, join, Moments.At(105)).Write!;
        Assert.Equal((new Binding(3, "n1"), Ttl), (joined.Floor, joined.LongestTtl));
        Assert.Equal(RenewOutcome.BelowFloor, Renewed(new SqlVoterSight(joined, Moments.At(105)), 2, "n2", Moments.At(105)).Outcome);
    }

    [Fact]
    public void The_longest_ttl_ever_promised_is_what_is_waited_for()
    {
        var row = Acked(Acked(Joined, 1, "n1", Ttl * 3), 1, "n1", Ttl);
        Assert.Equal(Ttl * 3, new SqlVoterSight(row, Moments.At(100)).StandsStillIn(Moments.At(100)));
    }

    private static SqlVoterRow Acked(SqlVoterRow row, long epoch, string node, TimeSpan? ttl = null) =>
        SqlVoterMachine.Decide(new SqlVoterSight(row, Moments.At(0)), Renewal(epoch, node, ttl ?? Ttl), Moments.At(1000)).Write!;

    private static RenewReply Renewed(SqlVoterSight? sight, long epoch, string node, Instant now) =>
        (RenewReply)SqlVoterMachine.Decide(sight, Renewal(epoch, node, Ttl), now).Reply;

    private static (SqlVoterRow? Row, FenceReply Reply) Fenced(SqlVoterSight? sight, long epoch, bool agreed, Instant now)
    {
        var (write, reply) = SqlVoterMachine.Decide(sight, new Fence(Wiki, epoch, agreed, Guid.NewGuid()), now);
        return (write, (FenceReply)reply);
    }

    private static ProbeReply Probed(SqlVoterSight? sight, Instant now) =>
        (ProbeReply)SqlVoterMachine.Decide(sight, new Probe(Wiki, Guid.NewGuid()), now).Reply;

    private static Renew Renewal(long epoch, string node, TimeSpan ttl) =>
        new(Wiki, epoch, node, ttl, new RoundId("boot", Guid.Empty, Interlocked.Increment(ref _rounds)));
}
