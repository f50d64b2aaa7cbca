using ClusterFs.Node.Api;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Tests.Api;

public sealed class MoveRulesTests
{
    private static readonly OwnershipView Db = new("db", OwnershipStage.Owned, "n1", 7, 7, ["n2", "n3"], null, null, false, []);
    private static readonly OwnershipView Web = Db with { Service = "web" };

    [Fact]
    public void Where_all_can_go_nothing_stands_in_the_way()
    {
        Assert.Null(MoveRules.Hindrance("web", "n3", [Db, Web]));
        Assert.Null(MoveRules.Hindrance("web", "n3", [Db with { Owner = "n3", Candidates = [] }, Web]));
        Assert.Null(MoveRules.Hindrance("web", "n3", [Db with { Owner = null, Stage = OwnershipStage.Vacant, Reason = "nothing waits" }, Web]));
    }

    [Fact]
    public void A_leader_is_not_stopped_for_a_follower_that_cannot_go()
    {
        Assert.NotNull(MoveRules.Hindrance("web", "n3", [Db, Web with { Candidates = ["n2"] }]));
        Assert.NotNull(MoveRules.Hindrance("web", "n3", [Db, Web with { Owner = null, Stage = OwnershipStage.Vacant, Reason = "nothing waits" }]));
        Assert.NotNull(MoveRules.Hindrance("web", "n3", [Db, Web with { Stage = OwnershipStage.Restoring, Reason = "being put in place" }]));
        Assert.NotNull(MoveRules.Hindrance("web", "n3", [Db, Web with { Owner = "n3" }]));
        Assert.NotNull(MoveRules.Hindrance("web", "n3", [Db, Web with { MovingTo = "n2" }]));
    }

    [Fact]
    public void Nor_is_a_follower_left_behind()
    {
        Assert.NotNull(MoveRules.Hindrance("db", "n3", [Db, Web with { Candidates = ["n2"] }]));
        Assert.NotNull(MoveRules.Hindrance("db", "n3", [Db, Web with { MovingTo = "n2" }]));
        Assert.Null(MoveRules.Hindrance("db", "n3", [Db, Web with { MovingTo = "n3" }]));
    }

    [Fact]
    public void What_an_ownership_that_has_just_begun_has_not_heard_yet_may_pass_and_what_it_knows_does_not()
    {
        Assert.True(MoveRules.Hindrance("web", "n3", [Db with { Candidates = [] }, Web])!.Value.Passes);
        Assert.True(MoveRules.Hindrance("web", "n3", [Db, Web with { Reason = "the daemon of n1 does not answer" }])!.Value.Passes);
        Assert.False(MoveRules.Hindrance("web", "n3", [Db with { Candidates = [] }, Web with { Owner = "n3" }])!.Value.Passes);
        Assert.False(MoveRules.Hindrance("web", "n3", [Db with { MovingTo = "n2" }, Web])!.Value.Passes);
    }

    [Fact]
    public void One_that_goes_alone_is_left_to_its_ownership() => Assert.Null(MoveRules.Hindrance("db", "n3", [Db with { Candidates = [] }]));
}
