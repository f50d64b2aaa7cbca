using System.Diagnostics;
using ClusterFs.Guard.Addresses;
using ClusterFs.Guard.Execution;
using ClusterFs.Guard.State;
using ClusterFs.Lease;
using ClusterFs.Posix;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClusterFs.Guard.Tests.Addresses;

public sealed class LeftoverAddressesTests : IDisposable
{
    private readonly Process _left = Process.Start("sleep", ["600"]);
    private readonly ManualResetEventSlim _kernel = new();

    public void Dispose()
    {
        _kernel.Set();
        _left.Kill();
        _left.Dispose();
    }

    [Fact]
    public async Task What_is_left_is_killed_while_the_kernel_does_not_answer_and_forgotten_when_the_address_is_off()
    {
        var forgotten = 0;
        var record = RecordOf(_left);
        var addresses = Begin(record, _ =>
        {
            _kernel.Wait();
            return null;
        }, TimeSpan.FromHours(1));
        using var executioner = Create(() => forgotten++);

        var burying = Task.Run(() => executioner.BuryLeftovers([record], addresses));

        Assert.True(_left.WaitForExit(Eventually.Limit));
        await Task.Delay(TimeSpan.FromMilliseconds(100));
        Assert.Equal((false, 0), (burying.IsCompleted, forgotten));
        _kernel.Set();
        await burying.WaitAsync(Eventually.Limit);
        Assert.Equal(1, forgotten);
    }

    [Fact]
    public void It_is_tried_until_it_is_off()
    {
        var attempts = 0;

        Begin(RecordOf(_left), _ => ++attempts < 3 ? "busy" : null, TimeSpan.FromHours(1)).AwaitGone();

        Assert.Equal(3, attempts);
    }

    [Fact]
    public void Where_it_cannot_be_taken_off_its_time_has_to_be_over()
    {
        var begun = GuardClock.Now;

        Begin(RecordOf(_left), _ => "busy", TimeSpan.FromMilliseconds(300)).AwaitGone();

        Assert.True(GuardClock.Now.LongestSince(begun) >= TimeSpan.FromMilliseconds(300));
    }

    private static LeftoverAddresses Begin(ServiceRecord record, Func<IReadOnlyCollection<System.Net.IPAddress>, string?> takeOff, TimeSpan goneAfter) =>
        new([record], takeOff, goneAfter, () => GuardClock.Now, NullLogger.Instance);

    private static Executioner Create(Action forgotten) =>
        new([], () => throw new UnreachableException(), _ => { }, _ => forgotten(), _ => { }, () => { }, () => GuardClock.Now, NullLogger.Instance);

    private static ServiceRecord RecordOf(Process process)
    {
        var identity = ProcessTable.Find(process.Id)!.Identity;
        return new ServiceRecord("web", 1, MachineClock.BootId, identity.Id, identity.Started, 0, 0, "none", null, Held: false, Addresses: ["10.0.0.50"]);
    }
}
