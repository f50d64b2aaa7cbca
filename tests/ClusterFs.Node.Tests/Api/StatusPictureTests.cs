using ClusterFs.Api;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Api;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Tests.Api;

public sealed class StatusPictureTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly NodeSight Owners = new("n1", 4200, 7, 12, At, 5120, 3.1, 81920, true, null, 0, null);

    [Fact]
    public void The_owners_own_agent_is_believed_on_its_node()
    {
        var status = Draw("n1", View(), Snapshot("n1", LeasePhase.Running, Owners with { AtRiskSeconds = 0.5, AtRiskBytes = 10 }));

        Assert.Equal(ServiceState.Owned, status.State);
        Assert.Equal("n1", status.Owner);
        Assert.Equal(4200, status.LeaseRemainingMs);
        Assert.Equal(new RiskStatus(0.5, 10), status.AtRisk);
        Assert.Equal("running", status.Phase?.Name);
    }

    [Fact]
    public void Other_nodes_show_what_the_owner_said()
    {
        var status = Draw("n2", View(), Snapshot("n2", null, NodeSight.Nothing("n2")));

        Assert.Equal(new RiskStatus(3.1, 81920), status.AtRisk);
        Assert.Equal(new DumpPoint(7, 12, At, 5120), status.LastDump);
        Assert.Null(status.LeaseRemainingMs);
    }

    [Fact]
    public void A_silent_ownership_actor_is_said_to_be_silent_and_the_last_view_shown()
    {
        var status = StatusPicture.Draw("wiki", "n2", View(), viewIsFresh: false, Snapshot("n2", null, NodeSight.Nothing("n2")), "auto", TimeSpan.FromSeconds(3));

        Assert.Equal("n1", status.Owner);
        Assert.Contains("does not answer", status.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_that_never_heard_of_the_owner_shows_what_its_guard_does()
    {
        var status = StatusPicture.Draw("wiki", "n1", null, viewIsFresh: false, Snapshot("n1", LeasePhase.Running, Owners), "auto", TimeSpan.FromSeconds(3));

        Assert.Equal(ServiceState.Owned, status.State);
        Assert.Equal("n1", status.Owner);
        Assert.Equal(7, status.Epoch);
    }

    [Fact]
    public void A_failing_dump_is_shown_with_its_reason()
    {
        var status = Draw("n2", View() with { Sights = [Owners with { DumpProblem = "no space left" }] }, Snapshot("n2", null, NodeSight.Nothing("n2")));

        Assert.False(status.Dump?.Ok);
        Assert.Contains("no space left", status.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_most_divergent_contents_that_anyone_saw_are_counted() =>
        Assert.Equal(2, Draw("n1", View() with { Sights = [Owners, NodeSight.Nothing("n3") with { Divergent = 2 }] }, null).Divergent);

    [Fact]
    public void What_is_frozen_on_a_node_is_said_there_whoever_owns_the_service_by_now()
    {
        var local = Snapshot("n2", LeasePhase.Stopping, NodeSight.Nothing("n2"));
        Assert.False(Draw("n2", View(), local).Phase?.Frozen);
        Assert.True(Draw("n2", View(), local with { Guard = local.Guard! with { IsFrozen = true } }).Phase?.Frozen);
    }

    [Fact]
    public void Standbys_are_the_nodes_with_a_copy_and_how_far_it_is_behind()
    {
        var at = Owners.LastDumpAt!.Value;
        var view = View() with
        {
            Sights =
            [
                Owners with { StandbySlot = 3, StandbyAt = at },
                NodeSight.Nothing("n2") with { StandbySlot = Owners.LastDumpSlot, StandbyAt = at },
                NodeSight.Nothing("n3") with { StandbySlot = Owners.LastDumpSlot - 1, StandbyAt = at.AddSeconds(-2.5), StandbyProblem = "the disk is full" },
                NodeSight.Nothing("n4"),
                NodeSight.Nothing("n5") with { StandbyProblem = "no first copy" },
                NodeSight.Nothing("n6") with { StandbySlot = Owners.LastDumpSlot, StandbyAt = at, AgeSeconds = 60 },
            ],
        };

        var slot = Owners.LastDumpSlot;
        Assert.Equal<StandbyStatus>(
            [
                new StandbyStatus("n2", slot, 0, null),
                new StandbyStatus("n3", slot - 1, 2.5, null) { Problem = "the disk is full" },
                new StandbyStatus("n5", 0, null, null) { Problem = "no first copy" },
                new StandbyStatus("n6", slot, 0, null) { Problem = "n6 has said nothing for 60 s" },
            ],
            Draw("n1", view, null).Standbys.AsEnumerable());

        // A node knows better itself than by what it said.
        var own = Snapshot("n2", null, NodeSight.Nothing("n2") with { StandbySlot = slot - 2, StandbyAt = at.AddSeconds(-9) });
        Assert.Equal(9, Draw("n2", view, own).Standbys[0].LagSeconds);
    }

    [Fact]
    public void Rehearsals_are_those_of_nodes_that_do_not_own_the_service()
    {
        var view = View() with
        {
            Sights =
            [
                Owners with { Rehearsal = new RehearsalSight(3, At, 1, false, null, null, false) },
                NodeSight.Nothing("n3") with { Rehearsal = new RehearsalSight(0, null, 0, false, "dump #12: exit code 3", At, true) { Hangs = true } },
                NodeSight.Nothing("n2") with { StandbySlot = 12, StandbyAt = At, Rehearsal = new RehearsalSight(11, At, 1.75, true, null, null, false) },
                NodeSight.Nothing("n4"),
            ],
        };

        var status = Draw("n1", view, null);

        Assert.Equal<RehearsalStatus>(
            [
                new RehearsalStatus("n2", 11, At, 1.75, true),
                new RehearsalStatus("n3", 0, null, null, false) { Problem = "dump #12: exit code 3", FailedAt = At, UnderWay = true, Hangs = true },
            ],
            status.Rehearsals.AsEnumerable());
        Assert.Equal(1.75, Assert.Single(status.Standbys).RehearsedSeconds);
    }

    private static ServiceStatus Draw(string node, OwnershipView view, ServiceSnapshot? local) =>
        StatusPicture.Draw("wiki", node, view, viewIsFresh: true, local, "auto", TimeSpan.FromSeconds(3));

    private static OwnershipView View() => new("wiki", OwnershipStage.Owned, "n1", 7, 7, ["n2"], null, null, false, [Owners]);

    private static ServiceSnapshot Snapshot(string node, LeasePhase? phase, NodeSight sight) => new(
        "wiki",
        new GuardReport(true, phase, phase is null ? 0 : 7, phase is null ? 0 : 7, phase is null ? 0 : 6, default(Instant) + TimeSpan.FromSeconds(4), 1234, null, null),
        sight with { Node = node },
        default(Instant),
        null,
        null,
        null,
        DumpCondition.Unknown);
}
