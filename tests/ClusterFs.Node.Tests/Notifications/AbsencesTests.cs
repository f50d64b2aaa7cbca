using ClusterFs.Api;
using ClusterFs.Lease;
using ClusterFs.Node.Notifications;
using ClusterFs.Ownership.Notifications;

namespace ClusterFs.Node.Tests.Notifications;

public sealed class AbsencesTests
{
    private static readonly MemberStatus Self = new("n1", "10.0.0.1:4053", "up", true);
    private static readonly MemberStatus There = new("n2", "10.0.0.2:4053", "up", true);
    private static readonly MemberStatus Unreachable = There with { Reachable = false };
    private static readonly MemberStatus Removed = There with { Status = "unknown", Reachable = false };
    private readonly Absences _absences = new("n1", TimeSpan.FromSeconds(60));

    [Fact]
    public void A_node_that_is_away_for_long_is_told_once_and_that_it_is_back_once()
    {
        Assert.Empty(Look(0, There));
        Assert.Empty(Look(10, Unreachable));
        Assert.Empty(Look(69, Removed));
        var lost = Assert.Single(Look(70, Removed));
        Assert.Equal(
            (NotificationKind.NodeLost, null, "n2", "the daemon of n2 has been away for 60 s: it is no member of the cluster any more"),
            (lost.Kind, lost.Service, lost.Node, lost.Text));
        Assert.Empty(Look(200, Removed));
        Assert.Empty(Look(205, There with { Status = "joining" }));
        var back = Assert.Single(Look(210, There));
        Assert.Equal((NotificationKind.NodeBack, "n2", "the daemon of n2 is back after 200 s"), (back.Kind, back.Node, back.Text));
        Assert.Empty(Look(211, There));
    }

    [Fact]
    public void One_that_is_back_in_time_or_was_never_there_is_not_told()
    {
        Assert.Empty(Look(0, Removed));
        Assert.Empty(Look(100, Removed));
        Assert.Empty(Look(101, There));
        Assert.Empty(Look(110, Unreachable));
        Assert.Empty(Look(160, There));
        Assert.Empty(Look(165, Unreachable));
        Assert.Empty(Look(224, Unreachable));
    }

    [Fact]
    public void Who_begins_to_tell_knows_what_was_told_before()
    {
        Assert.Empty(Look(0, There));
        Assert.Empty(Look(10, Unreachable));
        Assert.Empty(Look(70, Unreachable, tells: false));
        Assert.Empty(Look(80, Unreachable));
        Assert.Equal(NotificationKind.NodeBack, Assert.Single(Look(90, There)).Kind);
    }

    [Fact]
    public void From_the_side_that_does_not_go_on_nobody_is_lost()
    {
        Assert.Empty(Look(0, There));
        Assert.Empty(Look(10, Unreachable, counts: false));
        Assert.Empty(Look(100, Unreachable, counts: false));
        Assert.Empty(Look(110, Unreachable));
        Assert.Empty(Look(169, Unreachable));
        Assert.Single(Look(170, Unreachable));
    }

    [Fact]
    public void A_guard_that_does_not_answer_is_told_and_that_it_answers_again()
    {
        Assert.Null(Guard(0, "not connected yet"));
        Assert.Null(Guard(59, "not connected yet"));
        var lost = Guard(60, "connection refused")!;
        Assert.Equal((NotificationKind.GuardLost, "n1", "the guard of n1 has not answered its daemon for 60 s: connection refused"), (lost.Kind, lost.Node, lost.Text));
        Assert.Null(Guard(100, "connection refused"));
        Assert.Equal(NotificationKind.GuardBack, Guard(110, null)!.Kind);
        Assert.Null(Guard(111, null));
        Assert.Null(Guard(120, "gone"));
        Assert.Null(Guard(130, null));
    }

    private static Instant At(double seconds) => new(TimeSpan.FromSeconds(seconds), TimeSpan.FromSeconds(seconds));

    private IReadOnlyList<Notification> Look(double at, MemberStatus other, bool counts = true, bool tells = true) =>
        _absences.LookAtNodes([Self, other], counts, tells, At(at), DateTimeOffset.UnixEpoch);

    private Notification? Guard(double at, string? problem) => _absences.LookAtGuard(problem, At(at), DateTimeOffset.UnixEpoch);
}
