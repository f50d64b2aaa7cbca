using ClusterFs.Archive.Capture;

namespace ClusterFs.Archive.Tests.Capture;

public sealed class FileSystemClockTests
{
    [Fact]
    public async Task Nobody_waits_for_a_clock_that_was_put_back()
    {
        var stamps = new Queue<long>([10_000_000_000_001]);
        var clock = new FileSystemClock("/nowhere") { Stamp = _ => stamps.TryDequeue(out var first) ? first : 1 };

        await Task.Run(() => clock.WaitUntilSettled(CancellationToken.None)).WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Theory]
    [InlineData(5_000_000, 3)]
    [InlineData(21_000_000, 1)]
    public void It_is_waited_until_the_clock_has_moved_on_by_a_tick_and_no_longer(long sinceNs, int looks)
    {
        const long changed = 10_000_000_000_001;
        var (now, looked) = (changed + sinceNs, 0);
        var clock = new FileSystemClock("/nowhere")
        {
            Stamp = _ =>
            {
                looked++;
                var seen = now;
                now += 8_000_000;
                return seen;
            },
        };

        clock.WaitUntilPast(changed, CancellationToken.None);

        Assert.Equal(looks, looked);
    }
}
