using ClusterFs.Demo;
using ClusterFs.Faults.Checking;
using ClusterFs.Faults.Injection;
using ClusterFs.Faults.Schedule;
using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults.Tests.Checking;

/// <summary>Each rule finds the run that breaks it, and no other rule does.</summary>
public sealed class CheckerTests
{
    [Fact]
    public void A_run_in_which_nothing_was_broken_passes()
    {
        var verdict = Checker.Judge(Runs.Clean);

        Assert.Empty(verdict.Violations);
        Assert.Equal(new RecordFates(Acknowledged: 15, InLine: 11, Divergent: 4, OnDisk: 0, LostWithDisk: 0, Thrown: 0), verdict.Fates);
    }

    [Fact]
    public void Two_writers_at_once_are_found()
    {
        var early = Runs.Second with { Began = TimeSpan.FromSeconds(19.9) };

        Breaks(WriterRules.OneWriter, Runs.Clean with { Lives = [Runs.First, early] });
    }

    [Fact]
    public void A_writer_that_outlives_the_next_one_but_one_is_found()
    {
        var longLived = Runs.First with { LastSeen = TimeSpan.FromSeconds(50) };
        var third = Runs.Life("third", "n1", epoch: 3, begins: 45, records: 0);

        var violations = WriterRules.Overlaps([longLived, Runs.Second, third]).ToList();

        Assert.Equal(2, violations.Count);
    }

    [Fact]
    public void One_epoch_on_two_nodes_is_found()
    {
        Assert.NotEmpty(WriterRules.SharedEpochs([Runs.First, Runs.Second with { Epoch = 1 }]));
    }

    [Fact]
    public void A_record_that_is_nowhere_was_thrown_away()
    {
        Breaks(RecordRules.NothingThrownAway, Runs.Clean with { Divergent = Runs.Stored(Runs.Records("first", 9)) });
    }

    [Fact]
    public void A_record_that_is_still_on_its_nodes_disk_was_not()
    {
        var disks = new Dictionary<string, StoredRecords> { ["n1"] = Runs.Stored(Runs.Records("first", 10)) };

        var verdict = Checker.Judge(Runs.Clean with { Divergent = StoredRecords.None, Disks = disks });

        Assert.Empty(verdict.Violations);
        Assert.Equal(4, verdict.Fates.OnDisk);
    }

    [Fact]
    public void A_record_that_was_announced_may_go_with_its_disk()
    {
        var lost = new InjectedFault(1, new Fault.DiskLoss(Target.Owner), ["n1"], TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(25));

        var verdict = Checker.Judge(Runs.Clean with { Divergent = StoredRecords.None, Faults = [lost] });

        Assert.Empty(verdict.Violations);
        Assert.Equal(4, verdict.Fates.LostWithDisk);
    }

    [Fact]
    public void A_record_that_status_called_safe_must_be_in_the_line()
    {
        Breaks(RecordRules.Announced, Runs.Clean with { Announcements = [Runs.Announced(epoch: 1, at: 18, atRisk: 1)] });
    }

    [Fact]
    public void A_record_that_is_missing_between_others_is_a_hole()
    {
        var line = Runs.Clean.Line.InDatabase.Where(record => record != new Record("first", 3)).ToHashSet();

        Breaks(
            RecordRules.Whole,
            Runs.Clean with { Line = Runs.Clean.Line with { InDatabase = line }, Announcements = [] });
    }

    [Fact]
    public void A_move_that_lost_the_last_record_is_found()
    {
        Breaks(MoveRules.MoveLosesNothing, Runs.Clean with { Moves = [MoveTo2()] });
    }

    [Fact]
    public void A_move_that_lost_nothing_passes()
    {
        var complete = Runs.Second with { Base = new Record("first", 10) };

        Assert.Empty(MoveRules.Check(Runs.Clean with { Moves = [MoveTo2()], Lives = [Runs.First, complete] }));
    }

    [Fact]
    public void An_epoch_that_was_granted_twice_is_found()
    {
        Breaks(EpochRules.GrantedOnce, Runs.Clean with
        {
            Journal = [.. Runs.Clean.Journal, new JournalRow(4, "granted-v1", new GrantedEpoch(2, "n2"))],
        });
    }

    [Fact]
    public void A_grant_that_the_epoch_table_gives_to_another_node_is_found()
    {
        Breaks(EpochRules.GrantedOnce, Runs.Clean with { EpochTable = [new(1, "n1"), new(2, "n3")] });
    }

    [Fact]
    public void A_journal_that_lost_an_event_is_found()
    {
        Breaks(EpochRules.JournalIsDense, Runs.Clean with { Journal = [Runs.Clean.Journal[0], Runs.Clean.Journal[2]] });
    }

    [Fact]
    public void A_writer_that_nobody_granted_anything_is_found()
    {
        var stranger = Runs.Life("stranger", "n3", epoch: 3, begins: 40, records: 0);

        Breaks(EpochRules.GrantedBeforeUsed, Runs.Clean with { Lives = [.. Runs.Clean.Lives, stranger] });
    }

    [Fact]
    public void A_quiet_time_in_which_nobody_wrote_is_found()
    {
        Breaks(LivenessRules.OwnerAppears, Runs.Clean with { QuietTimes = [Runs.Clean.QuietTimes[0] with { OwnerAfter = null }] });
    }

    [Fact]
    public void Nodes_that_do_not_meet_are_found()
    {
        Breaks(LivenessRules.MembersMeet, Runs.Clean with { QuietTimes = [Runs.Clean.QuietTimes[0] with { MembersAfter = null }] });
    }

    /// <summary>The process was last seen at 20 s: before the one kill began, or after.</summary>
    [Theory]
    [InlineData(19.5)]
    [InlineData(20.1)]
    public void A_failover_is_counted_with_its_time_and_its_cause(double killedAt)
    {
        var kill = new InjectedFault(
            1, new Fault.Kill(Target.Owner, Part.Everything), ["n1"], TimeSpan.FromSeconds(killedAt), TimeSpan.FromSeconds(20.2));

        var failover = Assert.Single(Failover.Find(Runs.Clean with { Faults = [kill] }));

        Assert.Equal(TimeSpan.FromSeconds(11), failover.Took);
        Assert.Equal("kill everything", failover.Cause);
    }

    [Fact]
    public void A_planned_move_is_no_failover()
    {
        Assert.Empty(Failover.Find(Runs.Clean with { Moves = [MoveTo2()] }));
    }

    private static PlannedMove MoveTo2() => new("n2", TimeSpan.FromSeconds(25), TimeSpan.FromSeconds(31), Epoch: 2, "moved");

    private static void Breaks(string rule, Evidence evidence) =>
        Assert.Equal(rule, Assert.Single(Checker.Judge(evidence).Violations).Rule);
}
