using ClusterFs.Faults.Workload;

namespace ClusterFs.Faults.Tests.Workload;

public sealed class TimelineTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("clusterfs-timeline-");

    private Timeline Timeline => new(_directory.FullName, "records");

    [Fact]
    public void Every_entry_is_read_as_it_was_written()
    {
        TimelineEntry[] entries =
        [
            new TimelineEntry.Alive("a", TimeSpan.FromTicks(1), "n1", 7),
            new TimelineEntry.Opened("a", TimeSpan.FromTicks(2), new Record("b", 9)),
            new TimelineEntry.Opened("a", TimeSpan.FromTicks(3), null),
            new TimelineEntry.Trying("a", TimeSpan.FromTicks(4), 1),
            new TimelineEntry.Acknowledged("a", TimeSpan.FromTicks(5), 1),
            new TimelineEntry.Ended("a", TimeSpan.FromTicks(6)),
        ];

        Assert.Equal(entries, entries.Select(entry => TimelineEntry.Parse(entry.Format())));
    }

    [Fact]
    public void A_line_that_is_still_being_written_is_left_for_later()
    {
        var file = Path.Combine(_directory.FullName, "records.n1.a");
        File.WriteAllText(file, "alive a 10 n1 1\nacknowledged a 20 1\nacknowledged a 3");
        var timeline = Timeline;

        timeline.Update();
        var before = timeline.LastAcknowledged!.At;
        File.AppendAllText(file, "0 2\n");
        timeline.Update();

        Assert.Equal(TimeSpan.FromTicks(20), before);
        Assert.Equal(TimeSpan.FromTicks(30), timeline.LastAcknowledged!.At);
    }

    [Fact]
    public void A_process_lives_from_its_first_to_its_last_entry_whatever_it_is()
    {
        File.WriteAllText(
            Path.Combine(_directory.FullName, "records.n1.a"), "alive a 10 n1 4\nopened a 11 - 0\ntrying a 12 1\nacknowledged a 13 1\ntrying a 19 2\n");
        var timeline = Timeline;

        timeline.Update();

        var life = Assert.Single(timeline.Lives());
        Assert.Equal((TimeSpan.FromTicks(10), TimeSpan.FromTicks(19)), (life.Began, life.LastSeen));
        Assert.Equal(4, life.Epoch);
        Assert.False(life.EndedItself);
        Assert.Equal(TimeSpan.FromTicks(13), life.LastAcknowledgement);
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
