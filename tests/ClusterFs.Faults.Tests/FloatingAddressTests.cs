using System.Collections.Concurrent;
using System.Globalization;
using ClusterFs.Demo;
using ClusterFs.Demo.Status;
using ClusterFs.Faults.Rig;
using ClusterFs.Faults.Schedule;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Tests;

/// <summary>Addresses of a service on real nodes, each with a network of its own; a third host, the database's, is whoever wants to reach it.</summary>
[Collection(OneRig.Name)]
public sealed class FloatingAddressTests : IAsyncLifetime, IDisposable
{
    private const string Address = "10.78.0.200";
    private const string Newer = "fd78::200";
    private const string Third = LocalCluster.DatabaseHost;

    /// <summary>Who is not told asks again only after 15 s at the least (base_reachable_time).</summary>
    private static readonly TimeSpan SoonerThanForgotten = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Ttl = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _over = new();
    private readonly ConcurrentQueue<string> _onTwo = new();
    private FaultCluster? _cluster;
    private Task _watching = Task.CompletedTask;

    private FaultCluster Cluster => _cluster ?? throw new InvalidOperationException("set up by the test");

    private RigNetwork Network => Cluster.Site.Network;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _over.CancelAsync();
        await _watching;
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
        }
    }

    public void Dispose() => _over.Dispose();

    [SkippableFact]
    public async Task It_moves_with_the_service_and_others_reach_the_new_owner_at_once()
    {
        var owner = await StartAsync();
        var next = Cluster.Machines.First(machine => machine.Node.Name != owner).Node.Name;
        await ReachesAsync(owner, Patience);

        (await Cluster.Cluster.Node(owner).Clusterfs(Patience, "move", FaultCluster.Service, "--to", next)).Successful();

        // A service that runs is let go as soon as its addresses are on.
        await UntilAsync($"{next} has it", () => HasAsync(next));
        Assert.False(await HasAnyAsync(owner));
        await ReachesAsync(next, SoonerThanForgotten);
        Assert.Contains($"address {Address}/24 on eth0", (await Cluster.Cluster.Node(next).Clusterfs("status")).Successful().Output, StringComparison.Ordinal);
        Assert.Contains($"{Address}/24 is on {next}, on eth0, for ", await ExplainAsync(next), StringComparison.Ordinal);
        Assert.Contains($"{Address}/24 is not on {owner}: it goes on eth0 when", await ExplainAsync(owner), StringComparison.Ordinal);
        Assert.Empty(_onTwo);
    }

    [SkippableFact]
    public async Task When_everything_of_the_owner_is_killed_the_kernel_takes_it_off_before_another_node_has_it()
    {
        var owner = await StartAsync();
        await ReachesAsync(owner, Patience);

        // Nothing is started again: nobody is left who could take it off.
        await Cluster.Machine(owner).DisposeAsync();
        Cluster.Machine(owner).KillEverything();

        var next = await NextOwnerAsync(owner);
        await ReachesAsync(next, SoonerThanForgotten);
        Assert.False(await HasAnyAsync(owner));
        Assert.Empty(_onTwo);
    }

    /// <summary>The lease is so long that the kernel would come to it much later.</summary>
    [SkippableFact]
    public async Task When_its_guard_is_killed_the_process_beside_the_service_takes_it_off()
    {
        var ttl = TimeSpan.FromSeconds(20);
        var owner = await StartAsync(ttl);

        var gone = await SignalAsync(owner, Processes.SignalKill);

        Assert.InRange(gone, TimeSpan.Zero, ttl / 2);
        _ = await NextOwnerAsync(owner);
        Assert.Empty(_onTwo);
    }

    /// <summary>Here the kernel may be the first: when its time is over is a little before the service is stopped.</summary>
    [SkippableFact]
    public async Task When_its_guard_stands_still_it_is_gone_before_the_lease_ends()
    {
        var owner = await StartAsync();

        var gone = await SignalAsync(owner, Processes.SignalStop);

        Assert.InRange(gone, TimeSpan.Zero, Ttl);
        _ = await NextOwnerAsync(owner);
        Assert.Empty(_onTwo);
    }

    [SkippableFact]
    public async Task What_something_else_took_off_is_put_back_and_what_somebody_else_put_on_is_refused()
    {
        var owner = await StartAsync();
        _ = await Network.Ip(owner, "address", "del", $"{Address}/24", "dev", "eth0");
        await UntilAsync($"{owner} has it again", () => HasAsync(owner));

        var others = Cluster.Machines.Select(machine => machine.Node.Name).Where(node => node != owner).ToList();
        await UntilAsync($"{others[0]} waits for the service", async () => await WaitsAsync(others[0], owner));
        _ = await Network.Ip(others[0], "address", "add", $"{Address}/32", "dev", "lo");
        var moved = await Cluster.Cluster.Node(owner).Clusterfs(Patience, "move", FaultCluster.Service, "--to", others[0]);

        var log = Path.Combine(Cluster.Cluster.Node(others[0]).LogDirectory, "guard.log");
        await UntilAsync(
            $"{others[0]} refuses it; the move: {moved.ExitCode} {moved.Output}{moved.Error}",
            async () => (await File.ReadAllTextAsync(log)).Contains("ClusterFs did not put it there", StringComparison.Ordinal));
        await UntilAsync("a node without it elsewhere has it", async () => await HasAsync(owner) || await HasAsync(others[1]));
        Assert.Contains($"inet {Address}/32 scope global lo", await Network.Ip(others[0], "address", "show"), StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Doctor_tells_who_answers_for_it_and_should_not()
    {
        var owner = await StartAsync();
        var other = Cluster.Machines.First(machine => machine.Node.Name != owner).Node.Name;
        var here = await DoctorAsync(owner);
        var there = await DoctorAsync(other);
        foreach (var address in (string[])[$"{Address}/24", $"{Newer}/64"])
        {
            Assert.Contains($"ok       address owners: nobody else answers for {address} of {FaultCluster.Service} on eth0", here, StringComparison.Ordinal);
            Assert.Contains($"ok       address owners: {owner} ({Network.HardwareAddressOf(owner)}) answers for {address} of {FaultCluster.Service} on eth0", there, StringComparison.Ordinal);
        }

        _ = await Network.Ip(Third, "address", "add", $"{Address}/32", "dev", "eth0");
        _ = await Network.Ip(Third, "address", "add", $"{Newer}/128", "dev", "eth0", "nodad");
        here = await DoctorAsync(owner);
        there = await DoctorAsync(other);
        foreach (var address in (string[])[$"{Address}/24", $"{Newer}/64"])
        {
            var failure = $"FAILURE  address owners: {Network.HardwareAddressOf(Third)} answers for {address} of {FaultCluster.Service} on eth0, and {owner} has it";
            Assert.Contains(failure, here, StringComparison.Ordinal);
            Assert.Contains(failure, there, StringComparison.Ordinal);
        }
    }

    private async Task<string> DoctorAsync(string node) => (await Demo.Processes.Command.Run(
        [.. Network.Enter(node), Cluster.Cluster.Options.Binaries.Clusterfs, "doctor", "--config", Cluster.Cluster.Node(node).ConfigurationFile],
        new Dictionary<string, string>(),
        Patience)).Output;

    private async Task<bool> WaitsAsync(string node, string owner) =>
        (await Cluster.Cluster.Node(owner).Clusterfs("explain", FaultCluster.Service, node)).Output is var said
        && said.Contains("waits for the service", StringComparison.Ordinal) && !said.Contains("nothing waits for the service", StringComparison.Ordinal);

    private async Task<string> ExplainAsync(string node) => (await Cluster.Cluster.Node(node).Clusterfs("explain", FaultCluster.Service)).Successful().Output;

    /// <returns>How long it was there afterwards.</returns>
    private async Task<TimeSpan> SignalAsync(string owner, int signal)
    {
        // Nothing is started again.
        await Cluster.Machine(owner).DisposeAsync();
        var began = MachineClock.Boottime;
        Cluster.Machine(owner).Signal(Part.Guard, signal);
        await UntilAsync($"{owner} has it no more", async () => !await HasAnyAsync(owner));
        return MachineClock.Boottime - began;
    }

    private async Task<string> StartAsync(TimeSpan? ttl = null)
    {
        var missing = Needs.Missing();
        Skip.If(missing.Count > 0, string.Join("; ", missing));
        _cluster = await RigTurn.Take(() => FaultCluster.Start(new FaultClusterOptions
        {
            Ttl = ttl ?? Ttl,
            ServiceSettings = $"address {{ cidr = [\"{Address}/24\", \"{Newer}/64\"], interface = eth0 }}",
            WriterProgram = Path.Combine(AppContext.BaseDirectory, "faults"),
        }), _ => { });
        foreach (var host in Cluster.Site.NodeNames.Append(Third))
        {
            var number = host == Third ? 9 : Cluster.Site.NodeNames.ToList().IndexOf(host) + 1;
            _ = await Network.Ip(host, "address", "add", string.Create(CultureInfo.InvariantCulture, $"fd78::{number}/64"), "dev", "eth0", "nodad");
        }

        using var patience = new CancellationTokenSource(Patience * 2);
        var owner = await Cluster.Settle(patience.Token);
        await UntilAsync($"{owner} has it", () => HasAsync(owner));
        _watching = WatchAsync();
        return owner;
    }

    /// <summary>Looks all the time whether two nodes have it: the first is asked again, so that a move in between is none.</summary>
    private async Task WatchAsync()
    {
        while (!_over.IsCancellationRequested)
        {
            var first = await HoldersAsync();
            if (first.Count > 1 && first.Intersect(await HoldersAsync()).Count() > 1)
            {
                _onTwo.Enqueue($"{string.Join(" and ", first)} at {MachineClock.Boottime}");
            }
        }
    }

    private async Task<IReadOnlyList<string>> HoldersAsync()
    {
        var answers = await Task.WhenAll(Cluster.Site.NodeNames.Select(async node => (Node: node, Has: await HasAnyAsync(node))));
        return [.. answers.Where(answer => answer.Has).Select(answer => answer.Node)];
    }

    private async Task<bool> HasAsync(string node)
    {
        var shown = await Network.Ip(node, "address", "show", "dev", "eth0");
        return shown.Contains($"inet {Address}/24", StringComparison.Ordinal) && shown.Contains($"inet6 {Newer}/64", StringComparison.Ordinal);
    }

    private async Task<bool> HasAnyAsync(string node)
    {
        var shown = await Network.Ip(node, "address", "show", "dev", "eth0");
        return shown.Contains($"inet {Address}/", StringComparison.Ordinal) || shown.Contains($"inet6 {Newer}/", StringComparison.Ordinal);
    }

    private async Task<string> NextOwnerAsync(string before) => (await Eventually.Get(
        "another node has it",
        Patience,
        async () => (await HoldersAsync()).FirstOrDefault(node => node != before) is { } node && await HasAsync(node) ? node : null,
        Cluster.Cluster.Evidence))!;

    /// <summary>
    /// A connection gets as far as the node, whose kernel refuses it: nothing listens there. With what the third host knows of its neighbours as
    /// it is, so that without the announcement it would go on sending to the node before.
    /// </summary>
    private async Task ReachesAsync(string node, TimeSpan patience)
    {
        foreach (var address in (string[])[Address, Newer])
        {
            await Eventually.Get($"{address} leads to {node}", patience, async () =>
            {
                var knock = await Demo.Processes.Command.Run(
                    [.. Network.Enter(Third), "timeout", "0.5", "bash", "-c", $"exec 3<>/dev/tcp/{address}/9"], new Dictionary<string, string>(), Patience);
                var known = await Network.Ip(Third, "neighbour", "show", address);
                return knock.Error.Contains("refused", StringComparison.Ordinal) && known.Contains(Network.HardwareAddressOf(node), StringComparison.Ordinal) ? known : null;
            });
        }
    }

    private Task<string> UntilAsync(string what, Func<Task<bool>> holds) => Eventually.Get(what, Patience, async () => await holds() ? what : null, Cluster.Cluster.Evidence);
}
