using ClusterFs.Api;
using ClusterFs.Lease;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Content;
using ClusterFs.Node.Page;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Tests.Page;

public sealed class RecentDumpsTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Fact]
    public void The_newest_ten_of_each_service_are_kept_each_once()
    {
        var dumps = new RecentDumps();
        for (var sequence = 1; sequence <= 30; sequence++)
        {
            dumps.Saw("wiki", Dump(sequence), "n1");
            dumps.Saw("wiki", Dump(sequence), "n1");
            dumps.Saw("wiki", Dump(sequence - 1), "n1");
        }

        dumps.Saw("mail", null, "n1");
        dumps.Saw("mail", Dump(3), null);

        Assert.Equal(
            [.. Enumerable.Range(21, 10).Select(sequence => ("wiki", $"dump #{sequence} was committed")), ("mail", "dump #3 was committed")],
            dumps.All.OrderByDescending(dump => dump.Service).Select(dump => (dump.Service, dump.Text)));
    }

    [Fact]
    public void What_an_agent_posts_is_kept_while_nobody_looks()
    {
        var board = new NodeBoard();
        board.Post(Snapshot(new DumpSeen(1, 4, At, 10)));
        board.Post(Snapshot(new DumpSeen(1, 5, At, 10)));

        Assert.Equal(["dump #4 was committed", "dump #5 was committed"], board.Dumps.All.Select(dump => dump.Text));
    }

    private static DumpPoint Dump(long sequence) => new(7, sequence, At.AddMinutes(sequence), 10);

    private static ServiceSnapshot Snapshot(DumpSeen newest) =>
        new("wiki", null, new NodeSight("n1", 0, 0, 0, null, 0, 0, 0, false, null, 0, null), default, null, newest, null, DumpCondition.Unknown);
}
