using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Draining;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Tests.Agents;

public sealed class DrainRulesTests
{
    private static readonly AgentState Runs = new(
        new AgentSettings("n1", "wiki", TimeSpan.FromSeconds(5)), new GuardReport(true, LeasePhase.Running, 7, 7, 6, null, 1, null, null)) { Drained = true };

    private static readonly OwnershipView View = new("wiki", OwnershipStage.Owned, "n1", 7, 7, ["n2", "n3"], null, null, false, []);

    [Fact]
    public void What_runs_is_moved_to_the_first_other_node_that_waits_for_it()
    {
        Assert.Equal("n2", DrainRules.Look(Runs, View, null, [], null, At(0)).MoveTo);
        Assert.Null(DrainRules.Look(Runs, View with { MovingTo = "n2" }, null, [], null, At(0)).MoveTo);
    }

    [Fact]
    public void One_that_nobody_else_waits_for_is_stuck_and_runs_on()
    {
        var step = DrainRules.Look(Runs, View with { Candidates = [] }, null, [], null, At(0));
        Assert.Equal((null, true), (step.MoveTo, step.IsStuck));
    }

    [Fact]
    public void A_refusal_is_told_and_asked_again_after_a_while()
    {
        var asked = new DrainAsked(At(0), "n2", "the daemon of its owner does not answer");
        var step = DrainRules.Look(Runs, View, null, [], asked, At(9));
        Assert.Equal((null, true), (step.MoveTo, step.IsStuck));
        Assert.Contains(asked.Refusal!, step.Doing, StringComparison.Ordinal);
        Assert.Equal("n2", DrainRules.Look(Runs, View, null, [], asked, At(10)).MoveTo);
    }

    [Fact]
    public void What_is_over_here_is_gone_and_what_is_about_to_start_is_waited_for()
    {
        Assert.Null(DrainRules.Look(Runs with { Guard = Runs.Guard! with { Phase = LeasePhase.Closed } }, View, null, [], null, At(0)).Doing);
        var starts = DrainRules.Look(Runs with { Guard = Runs.Guard! with { Phase = LeasePhase.Held } }, View, null, [], null, At(0));
        Assert.Equal((null, false), (starts.MoveTo, starts.IsStuck));
        Assert.NotNull(starts.Doing);
    }

    [Fact]
    public void One_that_follows_another_goes_after_it_and_to_its_node()
    {
        var follows = Runs with { Settings = Runs.Settings with { Leader = "db" } };
        Assert.True(DrainRules.Look(follows, View, "n1", [], null, At(0)).IsStuck);
        Assert.Equal("n3", DrainRules.Look(follows, View, "n3", [], null, At(0)).MoveTo);
        Assert.Equal("n2", DrainRules.Look(follows, View, "n4", [], null, At(0)).MoveTo);
    }

    [Fact]
    public void What_the_guard_has_not_said_is_not_taken_for_gone()
    {
        var step = DrainRules.Look(Runs with { Guard = null }, View, null, [], null, At(0));
        Assert.Equal((null, false), (step.MoveTo, step.IsStuck));
        Assert.Contains("guard does not answer", step.Doing, StringComparison.Ordinal);
        Assert.NotNull(DrainRules.Look(Runs with { Guard = null }, null, null, [], null, At(0)).Doing);
    }

    [Fact]
    public void One_that_leads_goes_where_the_others_could_be_too_if_there_is_such_a_node()
    {
        var web = View with { Service = "web", Candidates = ["n3"] };
        Assert.Equal("n3", DrainRules.Look(Runs, View, null, [web], null, At(0)).MoveTo);
        Assert.Equal("n2", DrainRules.Look(Runs, View, null, [web with { Candidates = [] }], null, At(0)).MoveTo);
        Assert.Equal("n2", DrainRules.Look(Runs, View, null, [web with { Owner = null }], null, At(0)).MoveTo);
    }

    [Fact]
    public void A_drained_node_wants_nothing()
    {
        Assert.False(AgentRules.IsWanted(Runs, At(0)));
        Assert.True(AgentRules.IsWanted(Runs with { Drained = false }, At(0)));
    }

    private static Instant At(double seconds) => new(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds));
}
