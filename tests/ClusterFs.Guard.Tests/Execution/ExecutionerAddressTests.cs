using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using ClusterFs.Configuration;
using ClusterFs.Guard.Execution;
using ClusterFs.Guard.Protocol;
using ClusterFs.Guard.State;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Posix;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClusterFs.Guard.Tests.Execution;

/// <summary>Real processes, with a kernel that puts addresses on and takes them off when the test says so.</summary>
public sealed class ExecutionerAddressTests : IDisposable
{
    private static readonly GuardedService Web = new("web", TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1))
    {
        Addresses = [new FloatingAddress(IPAddress.Parse("10.0.0.50"), 24, null)],
    };

    private readonly ConcurrentQueue<HolderInput> _told = new();
    private readonly ConcurrentQueue<Action<string?>> _puttingOn = new();
    private readonly ConcurrentQueue<Action> _takingOff = new();
    private readonly Process _beside = Process.Start("/bin/sh", ["-c", "sleep 600 & wait"]);
    private readonly Executioner _executioner;

    public ExecutionerAddressTests()
    {
        var until = GuardClock.Now + TimeSpan.FromMinutes(1);
        var lease = new HeldLease(
            "web", 1, 1, ["n1"], new LeaseTimings(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1)), LeasePhase.Running, until, until);
        var state = new HolderState("n1", MachineClock.BootId, Guid.NewGuid(), DurableHolderState.Empty)
        {
            Leases = ImmutableSortedDictionary.Create<string, HeldLease>(StringComparer.Ordinal).Add("web", lease),
        };
        _executioner = new Executioner(
            [Web], () => state, _told.Enqueue, _ => { }, _ => { }, () => { }, () => GuardClock.Now, NullLogger.Instance)
        {
            PutOn = (_, _, _, done) => _puttingOn.Enqueue(done),
            TakeOff = (_, _, done) => _takingOff.Enqueue(done),
        };
        _executioner.RecordHeld = _executioner.HeldRecorded;
        _executioner.Start();
    }

    public void Dispose()
    {
        _executioner.Dispose();
        _beside.Kill(entireProcessTree: true);
        _beside.Dispose();
    }

    [Fact]
    public async Task A_service_is_let_go_when_its_addresses_are_on_and_not_before()
    {
        var (gate, _) = await ArriveAsync();
        await Asked(_puttingOn);
        Assert.False(gate.IsCompleted);

        Answer(_puttingOn)(null);

        Assert.True((await gate).Open);
    }

    [Fact]
    public async Task The_killing_goes_on_while_the_kernel_does_not_answer_and_dead_is_said_once_they_are_gone()
    {
        var (gate, service) = await ArriveAsync();
        await Asked(_puttingOn);
        Answer(_puttingOn)(null);
        _ = await gate;

        _executioner.Take(new StopService("web", 1, GuardClock.Now, "its lease runs out"));

        _ = await Eventually.Is(() => ProcessTable.Find(service.Id) is not { } found || found.Identity != service, "the end of the service");
        await Asked(_takingOff);

        // Often enough for it to find that nothing is alive.
        for (var turn = 0; turn < 5; turn++)
        {
            _ = await _executioner.TurnAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }

        Assert.DoesNotContain(_told, input => input is ServiceDead);
        Answer(_takingOff)();
        _ = await Eventually.Is(() => _told.OfType<ServiceDead>().Any(), "the word that it is dead");
        Assert.Empty(_takingOff);
    }

    [Fact]
    public async Task Where_they_cannot_be_had_it_is_not_run_and_not_asked_for_again()
    {
        var (gate, _) = await ArriveAsync();
        await Asked(_puttingOn);

        Answer(_puttingOn)("eth0 is down");

        await Refused();
        Assert.False(gate.IsCompleted && (await gate).Open);
    }

    /// <summary>Whoever holds would have it granted to this node again, and again.</summary>
    [Fact]
    public async Task Nor_is_what_is_held()
    {
        _ = await _executioner.AttachAsync("web", AttachMode.Hold, ProcessTable.Find(_beside.Id)!.Identity);
        _executioner.Take(new StartService("web", 1, GuardClock.Now + TimeSpan.FromSeconds(50)));
        await Asked(_puttingOn);

        Answer(_puttingOn)("eth0 is down");

        await Refused();
        Assert.False(_executioner.View("web").Opened);
    }

    private async Task Refused()
    {
        _ = await Eventually.Is(() => _told.OfType<DrainRequested>().Any(), "the giving up");
        Assert.Equal("eth0 is down", Assert.Single(_told.OfType<DrainRequested>()).Reason);
        Assert.Equal((false, 1), (_executioner.View("web").Wanted, _executioner.View("web").Ended));
    }

    /// <returns>The answer at the gate, and who waits there.</returns>
    private async Task<(Task<GatePass> Gate, ProcessIdentity Service)> ArriveAsync()
    {
        ProcessEntry? service = null;
        _ = await Eventually.Is(() => (service = ProcessTable.Read().All.FirstOrDefault(entry => entry.Parent == _beside.Id)) is not null, "the process of the service");
        var beside = ProcessTable.Find(_beside.Id)!.Identity;
        var token = (await _executioner.AttachAsync("web", AttachMode.Run, beside)).Attachment!.Token;
        _executioner.Take(new StartService("web", 1, GuardClock.Now + TimeSpan.FromSeconds(50)));
        Assert.NotNull(await _executioner.ArriveAsync("web", token, 1, service!));
        var record = new ServiceRecord(
            "web", 1, MachineClock.BootId, service!.Id, service.Identity.Started, beside.Id, beside.Started, token, null, Held: false);
        return (_executioner.WaitAtGateAsync(record, null), service.Identity);
    }

    private static async Task Asked<T>(ConcurrentQueue<T> queue) => _ = await Eventually.Is(() => !queue.IsEmpty, "the question");

    private static T Answer<T>(ConcurrentQueue<T> queue)
    {
        Assert.True(queue.TryDequeue(out var answer));
        return answer;
    }
}
