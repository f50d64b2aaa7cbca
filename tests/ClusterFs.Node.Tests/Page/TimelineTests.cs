using ClusterFs.Api;
using ClusterFs.Node.Page;

namespace ClusterFs.Node.Tests.Page;

public sealed class TimelineTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private readonly List<(string Service, TaskCompletionSource<HistoryReport?> Answer)> _asked = [];
    private readonly RecentDumps _dumps = new();
    private readonly Timeline _timeline;

    public TimelineTests() => _timeline = new Timeline(
        service =>
        {
            var answer = new TaskCompletionSource<HistoryReport?>();
            _asked.Add((service, answer));
            return answer.Task;
        },
        _dumps);

    [Fact]
    public void A_history_is_asked_for_when_ownership_changes_and_never_waited_for()
    {
        Assert.Empty(_timeline.Follow([Service("wiki", epoch: 7)]));
        Assert.Empty(_timeline.Follow([Service("wiki", epoch: 7)]));
        Assert.Equal("wiki", Assert.Single(_asked).Service);

        _asked[0].Answer.SetResult(Report("wiki", 30));
        var shown = _timeline.Follow([Service("wiki", epoch: 7)]);
        Assert.Equal(20, shown.Length);
        Assert.Equal(("event 29", "event 28"), (shown[0].Text, shown[1].Text));
        Assert.Single(_asked);

        _timeline.Follow([Service("wiki", epoch: 8)]);
        Assert.Equal(2, _asked.Count);
    }

    [Fact]
    public void What_was_not_answered_is_asked_for_again()
    {
        _timeline.Follow([Service("wiki", epoch: 7)]);
        _asked[0].Answer.SetResult(null);
        _timeline.Follow([Service("wiki", epoch: 7)]);
        Assert.Equal(2, _asked.Count);
        _asked[1].Answer.SetException(new IOException());
        _timeline.Follow([Service("wiki", epoch: 7)]);
        Assert.Equal(3, _asked.Count);
    }

    [Fact]
    public void A_thousand_services_are_not_asked_for_at_once()
    {
        _timeline.Follow([.. Enumerable.Range(0, 1000).Select(number => Service($"s{number}", epoch: 1))]);
        Assert.Equal(8, _asked.Count);
    }

    [Fact]
    public void Those_that_do_not_answer_keep_nobody_else_from_being_asked()
    {
        var services = Enumerable.Range(0, 16).Select(number => Service($"s{number}", epoch: 1)).ToList();
        _timeline.Follow([.. services]);
        foreach (var (_, answer) in _asked)
        {
            answer.SetResult(null);
        }

        _timeline.Follow([.. services]);
        Assert.Equal(services.Select(service => service.Name).Order(StringComparer.Ordinal), _asked.Select(one => one.Service).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Dumps_are_part_of_it_by_their_times()
    {
        _timeline.Follow([Service("wiki", epoch: 7)]);
        _asked[0].Answer.SetResult(Report("wiki", 2));
        _dumps.Saw("wiki", new DumpPoint(7, 1, At.AddSeconds(0.5), 10), "n1");

        Assert.Equal(["event 1", "dump #1 was committed", "event 0"], _timeline.Follow([Service("wiki", epoch: 7)]).Select(one => one.Text));
    }

    private static HistoryReport Report(string service, int entries) => new(
        service, [.. Enumerable.Range(0, entries).Select(number => new HistoryEntry(At.AddSeconds(number), "granted", number, "n1", $"event {number}"))]);

    private static ServiceStatus Service(string name, long epoch) =>
        new(name, ServiceState.Owned, "n1", epoch, null, null, null, [], 0, false, null, null, null);
}
