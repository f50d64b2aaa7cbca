using System.Collections.Immutable;
using Akka.Actor;
using Akka.TestKit.Xunit2;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Ownership;
using ClusterFs.Lease.Voter;
using ClusterFs.Ownership.Messages;
using ClusterFs.Ownership.Notifications;

namespace ClusterFs.Ownership.Tests;

public sealed class OwnershipActorTests : TestKit
{
    private readonly ScratchJournal _journal;
    private readonly MachineVoters _voters = OwnershipScene.Voters();

    public OwnershipActorTests()
        : this(ScratchJournal.Prepared())
    {
    }

    private OwnershipActorTests(ScratchJournal journal)
        : base(OwnershipScene.Config(journal)) => _journal = journal;

    [Fact]
    public void A_waiting_node_is_granted_an_epoch_after_the_voters_were_fenced()
    {
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));

        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);

        var grant = FishForMessage<GrantOwnership>(_ => true);
        Assert.Equal(1, grant.Epoch);
        Assert.Equal("n1", grant.Node);
        Assert.Equal(["n1", "n2", "n3"], grant.Voters);
        Assert.Equal(OwnershipScene.Timings.Ttl, grant.Ttl);
        Assert.True(_voters.Asked.OfType<Fence>().Count() >= 2);
        Assert.Equal(["n1"], _journal.Query("select node from clusterfs_epoch where service = 'wiki' and epoch = 1"));
        ownership.Tell(new GetHistory(OwnershipScene.Service), TestActor);
        Assert.Equal(["fencing", "granted"], FishForMessage<OwnershipHistory>(_ => true).Entries.Select(entry => entry.Kind));
    }

    [Fact]
    public void A_released_epoch_makes_way_for_the_next()
    {
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);
        FishForMessage<GrantOwnership>(_ => true);

        ownership.Tell(OwnershipScene.Waiting("n1", closed: 1), TestActor);

        Assert.Equal(2, FishForMessage<GrantOwnership>(grant => grant.Epoch > 1).Epoch);
    }

    [Fact]
    public void A_new_incarnation_knows_what_the_journal_knows_and_tells_the_grant_again()
    {
        var first = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        first.Tell(OwnershipScene.Waiting("n1"), TestActor);
        FishForMessage<GrantOwnership>(_ => true);
        Watch(first);
        first.Tell(OwnershipActor.HandOff.Instance);
        FishForMessage<Terminated>(_ => true);

        var second = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        second.Tell(OwnershipScene.Waiting("n1"), TestActor);

        Assert.Equal(1, FishForMessage<GrantOwnership>(_ => true).Epoch);
    }

    [Fact]
    public void A_new_incarnation_has_the_nodes_report_since_it_knows_none_of_them()
    {
        Sys.ActorOf(OwnershipActor.Props(
            OwnershipScene.Settings, OwnershipScene.Surroundings(_journal, _voters) with { AskNodes = wanted => TestActor.Tell(wanted) }));

        Assert.Equal(OwnershipScene.Service, ExpectMsg<ReportWanted>().Service);
    }

    [Fact]
    public void Whoever_ends_has_the_nodes_report_since_nothing_else_makes_the_next()
    {
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);
        FishForMessage<GrantOwnership>(_ => true);

        ownership.Tell(OwnershipActor.HandOff.Instance);

        Assert.Equal(OwnershipScene.Service, FishForMessage<ReportWanted>(_ => true).Service);
    }

    /// <summary>It has not heard yet who waits, and would wait for that.</summary>
    [Fact]
    public void Whoever_asked_for_a_move_is_told_to_ask_again_when_its_ownership_goes_elsewhere()
    {
        var first = Watch(Sys.ActorOf(OwnershipScene.Actor(_journal, _voters)));
        first.Tell(OwnershipScene.Waiting("n1"), TestActor);
        FishForMessage<GrantOwnership>(_ => true);
        first.Tell(OwnershipActor.HandOff.Instance);
        FishForMessage<Terminated>(_ => true);

        var second = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        second.Tell(new MoveService(OwnershipScene.Service, "n2"), TestActor);
        second.Tell(OwnershipActor.HandOff.Instance);

        var answer = FishForMessage<RequestAnswered>(_ => true);
        Assert.Equal((false, true), (answer.Accepted, answer.Again));
    }

    [Fact]
    public void Whoever_asked_for_what_could_not_be_journalled_is_told_to_ask_again()
    {
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        ownership.Tell(new GetOwnership(OwnershipScene.Service), TestActor);
        ExpectMsg<OwnershipView>();
        _journal.Execute("create trigger full before insert on journal begin select raise(abort, 'full'); end");

        ownership.Tell(new PauseService(OwnershipScene.Service, true), TestActor);

        var answer = FishForMessage<RequestAnswered>(_ => true);
        Assert.Equal((false, true), (answer.Accepted, answer.Again));
    }

    [Fact]
    public void An_incarnation_that_the_journal_ends_has_the_nodes_report_too()
    {
        var ownership = Watch(Sys.ActorOf(OwnershipScene.Actor(_journal, _voters)));
        ownership.Tell(new GetOwnership(OwnershipScene.Service), TestActor);
        ExpectMsg<OwnershipView>();
        _journal.Execute("create trigger full before insert on journal begin select raise(abort, 'full'); end");

        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);

        FishForMessage<ReportWanted>(_ => true);
        FishForMessage<Terminated>(_ => true);
    }

    [Fact]
    public void A_node_that_is_back_is_asked_since_what_it_said_before_counts_no_more()
    {
        ImmutableSortedSet<string> away = ["n2"];
        var ownership = Sys.ActorOf(OwnershipActor.Props(
            OwnershipScene.Settings,
            OwnershipScene.Surroundings(_journal, _voters) with { AskNodes = wanted => TestActor.Tell(wanted), Away = () => away }));
        ExpectMsg<ReportWanted>();
        ownership.Tell(new PauseService(OwnershipScene.Service, true), TestActor);
        ExpectMsg<RequestAnswered>();

        away = [];
        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);

        FishForMessage<ReportWanted>(_ => true);
    }

    [Fact]
    public void What_changes_is_told_to_all_nodes_without_being_asked()
    {
        var (owner, other) = (CreateTestProbe(), CreateTestProbe());
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        ownership.Tell(new ReportNode(OwnershipScene.Service, new NodeReport("n2", false, null, 0, 0, null), NodeSight.Nothing("n2")), other.Ref);
        ownership.Tell(OwnershipScene.Waiting("n1"), owner.Ref);

        other.FishForMessage<OwnershipView>(view => view is { Owner: "n1", Epoch: 1 });
    }

    /// <summary>Nobody reports any more, and nothing is journalled: it is seen by time alone.</summary>
    [Fact]
    public void An_owner_that_dies_with_nobody_to_follow_is_told_to_who_wants_to_know()
    {
        var told = new System.Collections.Concurrent.ConcurrentQueue<Notification>();
        var ownership = Sys.ActorOf(OwnershipActor.Props(
            OwnershipScene.Settings with { Timings = new LeaseTimings(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1)) },
            OwnershipScene.Surroundings(_journal, _voters) with
            {
                Notify = told.Enqueue,
                Limits = _ => new NotificationLimits(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(5)),
            }));
        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);
        FishForMessage<GrantOwnership>(_ => true);

        // Before it was granted it had no owner for longer than that perhaps.
        told.Clear();
        ownership.Tell(
            new ReportNode(OwnershipScene.Service, new NodeReport("n1", false, LeasePhase.Running, 1, 0, null), NodeSight.Nothing("n1")), TestActor);
        ownership.Tell(
            new ReportNode(OwnershipScene.Service, new NodeReport("n1", false, null, 1, 0, null), NodeSight.Nothing("n1")), TestActor);

        AwaitCondition(() => told.Any(one => one.Kind == NotificationKind.Vacant), TimeSpan.FromSeconds(20));
        Assert.Equal(
            [(NotificationKind.Lost, "n1", 1L), (NotificationKind.Vacant, null, 1L)],
            told.Where(one => one.Kind != NotificationKind.Started).Select(one => (one.Kind, one.Node, one.Epoch)));
    }

    [Fact]
    public void An_epoch_that_the_table_has_for_another_node_is_spent()
    {
        _journal.Execute("insert into clusterfs_epoch values ('wiki', 1, 'n2', '2026-01-01')");
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));

        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);

        Assert.Equal(2, FishForMessage<GrantOwnership>(_ => true).Epoch);
    }

    [Fact]
    public void A_voter_that_knows_more_ends_the_incarnation()
    {
        _voters.RaiseFloors(OwnershipScene.Service, new Binding(5, "n3"));
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        Watch(ownership);

        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);

        FishForMessage<Terminated>(_ => true);
        Assert.Equal(["fencing-v1"], _journal.Query("select manifest from journal"));
    }

    [Fact]
    public void A_move_drains_the_owner_and_goes_to_the_target()
    {
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        var target = CreateTestProbe();
        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);
        FishForMessage<GrantOwnership>(_ => true);
        ownership.Tell(OwnershipScene.Running("n1", 1), TestActor);
        ownership.Tell(OwnershipScene.Waiting("n2"), target);

        ownership.Tell(new MoveService(OwnershipScene.Service, "n2"), TestActor);

        var seen = new List<object>();
        FishForMessage<object>(message =>
        {
            seen.Add(message);
            return seen.Any(m => m is RequestAnswered { Accepted: true }) && seen.Any(m => m is DrainOwnership { Tenure: 1, To: "n2" });
        });
        ownership.Tell(OwnershipScene.Waiting("n1", closed: 1), TestActor);
        Assert.Equal("n2", target.FishForMessage<GrantOwnership>(_ => true).Node);
    }

    [Fact]
    public void A_move_of_a_vacant_service_is_refused_with_the_reason()
    {
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));

        ownership.Tell(new MoveService(OwnershipScene.Service, "n2"), TestActor);

        var answer = ExpectMsg<RequestAnswered>();
        Assert.False(answer.Accepted);
        Assert.Contains("no owner", answer.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pause_holds_grants_back_until_resumed()
    {
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        ownership.Tell(new PauseService(OwnershipScene.Service, Pause: true), TestActor);
        Assert.True(ExpectMsg<RequestAnswered>().Accepted);
        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);
        Assert.Equal(OwnershipStage.Paused, ExpectMsg<OwnershipView>().Stage);

        ownership.Tell(new PauseService(OwnershipScene.Service, Pause: false), TestActor);

        Assert.Equal(1, FishForMessage<GrantOwnership>(_ => true).Epoch);
    }

    [Fact]
    public void A_service_that_does_not_stay_up_is_left_alone_and_the_view_says_how_to_go_on()
    {
        var damping = new FlapDamping(1, TimeSpan.FromHours(1));
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters, damping));
        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);
        FishForMessage<GrantOwnership>(_ => true);
        ownership.Tell(OwnershipScene.Running("n1", 1), TestActor);
        ownership.Tell(OwnershipScene.Waiting("n1", closed: 1), TestActor);

        AwaitAssert(() =>
        {
            ownership.Tell(new GetOwnership(OwnershipScene.Service), TestActor);
            var view = FishForMessage<OwnershipView>(_ => true);
            Assert.Equal((true, OwnershipStage.Paused), (view.Damped, view.Stage));
            Assert.Contains("clusterfs resume wiki", view.Reason, StringComparison.Ordinal);
        });
        ownership.Tell(new GetHistory(OwnershipScene.Service), TestActor);
        Assert.Equal(
            ["fencing", "granted", "started", "released", "damped"],
            FishForMessage<OwnershipHistory>(_ => true).Entries.Select(entry => entry.Kind));

        ownership.Tell(new PauseService(OwnershipScene.Service, Pause: false), TestActor);
        Assert.Equal(2, FishForMessage<GrantOwnership>(grant => grant.Epoch > 1).Epoch);
    }

    [Fact]
    public void A_service_whose_owner_ended_without_handing_over_has_failed_over_and_may_miss_all_since_it_was_heard()
    {
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));
        ownership.Tell(OwnershipScene.Waiting("n1"), TestActor);
        FishForMessage<GrantOwnership>(_ => true);
        ownership.Tell(
            OwnershipScene.Running("n1", 1) with { Sight = NodeSight.Nothing("n1") with { AtRiskKnown = true, AtRiskSeconds = 2, AtRiskBytes = 4096 } }, TestActor);
        ownership.Tell(
            new ReportNode(OwnershipScene.Service, new NodeReport("n1", false, LeasePhase.Closed, 1, 1, "no majority renewed the lease"), NodeSight.Nothing("n1")), TestActor);
        ownership.Tell(OwnershipScene.Waiting("n2"), TestActor);
        Assert.Equal("n2", FishForMessage<GrantOwnership>(grant => grant.Epoch > 1).Node);

        ownership.Tell(new GetMeasuredHistory(OwnershipScene.Service), TestActor);
        var granted = FishForMessage<MeasuredHistory>(_ => true).Entries[^1];
        Assert.Equal(("granted", "failover", 4096L), (granted.Entry.Kind, granted.Cause, granted.LostBytes));
        Assert.True(granted.LostSeconds > 2, $"{granted.LostSeconds} s is what was at risk when it was heard, and not when it was followed");
        ownership.Tell(new GetOwnership(OwnershipScene.Service), TestActor);
        Assert.True(FishForMessage<OwnershipView>(view => view.Epoch > 1).FailedOver);
    }

    [Fact]
    public void The_view_says_what_is_missing_when_nothing_waits()
    {
        var ownership = Sys.ActorOf(OwnershipScene.Actor(_journal, _voters));

        ownership.Tell(new GetOwnership(OwnershipScene.Service), TestActor);

        var view = ExpectMsg<OwnershipView>();
        Assert.Equal(OwnershipStage.Vacant, view.Stage);
        Assert.Null(view.Owner);
        Assert.Contains("clusterfs run", view.Reason, StringComparison.Ordinal);
    }

    protected override void AfterAll()
    {
        base.AfterAll();
        _journal.Dispose();
    }
}
