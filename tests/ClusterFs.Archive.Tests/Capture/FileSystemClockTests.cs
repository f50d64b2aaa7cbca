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
}
