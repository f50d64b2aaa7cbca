using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Status;
using ClusterFs.Demo.Writing;
using ClusterFs.Posix;

namespace ClusterFs.Demo.Walkthrough;

/// <summary>The steps, each of them observed or the demo fails.</summary>
internal sealed class Demonstration : IAsyncDisposable
{
    private const string Service = GuestbookService.Name;
    private const int RowsBeforeTheKill = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan DumpEvery = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan WorthLosing = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan TakeoverBeyondTtl = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan LongestMove = TimeSpan.FromSeconds(3);

    private readonly LocalCluster _cluster;
    private readonly Report _report;
    private readonly CancellationToken _cancelled;
    private AcknowledgedWriter? _writer;
    private RiskWatch? _watch;

    private Demonstration(LocalCluster cluster, Report report, CancellationToken cancelled)
    {
        _cluster = cluster;
        _report = report;
        _cancelled = cancelled;
    }

    private AcknowledgedWriter Writer => _writer ?? throw new InvalidOperationException("the client writes from step 2 on");

    private RiskWatch Watch => _watch ?? throw new InvalidOperationException("status is watched from step 2 on");

    public static async Task<Demonstration> Prepare(Binaries binaries, Report report, CancellationToken cancelled)
    {
        var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "demo",
            AddressPrefix = "127.0.0",
            Binaries = binaries,
            Services = [GuestbookService.Create(binaries, DumpEvery)],
        });
        OtherFiles.Configure(cluster);
        return new Demonstration(cluster, report, cancelled);
    }

    public async Task Run()
    {
        await StartNodes();
        var first = await StartService();
        var takeover = await KillOwner(first);
        await BringBack(first, takeover);
        await MoveBack(first, takeover);
        await new OtherFiles(_cluster, _report, _cancelled).Run();
        _report.Step("Summary");
        _report.Summary();
    }

    public void LeaveRunning()
    {
        var script = _cluster.LeaveRunning();
        var node = _cluster.Nodes[0];
        _report.Say($"The cluster goes on; its files are in {_cluster.Directory}. Look at it with");
        _report.Say($"  {_cluster.Options.Binaries.Clusterfs} status --watch --config {node.ConfigurationFile}");
        _report.Say($"  curl {GuestbookService.AddressOn(node)}entries");
        _report.Say($"and stop it with ./build.sh demo --stop, or");
        _report.Say($"  sh {script}");

        // Where build.sh finds it again.
        var known = Path.Combine(AppContext.BaseDirectory, "stop");
        File.Delete(known);
        File.CreateSymbolicLink(known, script);
    }

    public async ValueTask DisposeAsync()
    {
        if (_watch is not null)
        {
            await _watch.DisposeAsync();
        }

        if (_writer is not null)
        {
            await _writer.DisposeAsync();
        }

        await _cluster.DisposeAsync();
    }

    private async Task StartNodes()
    {
        _report.Step("Three nodes start: a guard and a daemon each");
        foreach (var node in _cluster.Nodes)
        {
            node.Start();
            _report.Say($"{node.Name} on {node.Address}: guard {node.Guard!.Id}, daemon {node.Daemon!.Id}");
        }

        await _cluster.UntilComplete(Patience, _cancelled);
        _report.Observed($"all three are members of one cluster");
        await ShowStatus(_cluster.Nodes[0]);
    }

    private async Task<ClusterNode> StartService()
    {
        _report.Step("A service starts on one of them, and a client writes all the time");
        foreach (var node in _cluster.Nodes)
        {
            node.StartRun(Service);
        }

        _report.Say($"clusterfs run {Service} -- guestbook …   on all three: one is chosen, two wait");
        var status = await _cluster.UntilService(Service, "is owned", Patience, service => service.IsOwned, _cancelled);
        var owner = _cluster.Node(status.Owner!);
        _writer = new AcknowledgedWriter("row", [.. _cluster.Nodes.Select(GuestbookService.AddressOn)]);
        _watch = new RiskWatch(_cluster, Service);
        await Eventually.True(
            $"{RowsBeforeTheKill} rows are acknowledged",
            Patience,
            () => Writer.Acknowledged.Count >= RowsBeforeTheKill,
            _cluster.Evidence,
            _cancelled);
        await _cluster.UntilService(
            Service, "has a dump", Patience, service => service is { IsOwned: true, LastDump: not null }, _cancelled);
        Require(
            _cluster.Except(owner).All(node => node.ProcessesOf(Service).Count == 0),
            $"the service runs on {owner.Name} alone");
        _report.Observed($"it runs on {owner.Name} alone (epoch {status.Epoch}); {Writer.Acknowledged.Count} rows are acknowledged");
        await ShowStatus(owner);
        return owner;
    }

    private async Task<Takeover> KillOwner(ClusterNode first)
    {
        _report.Step($"Every process of {first.Name} is killed: guard, daemon, service");
        await CertainLoss.Await(first, Writer, Watch, WorthLosing, Patience, _cluster.Evidence, _cancelled);
        var killed = MachineClock.Boottime;
        var announced = Watch.LastBefore(killed);
        var before = Report.Seconds(killed - announced.AskedAt);
        _report.Say($"status announced, {before} before the kill: the writes of {Report.Seconds(announced.AtRisk)} are at risk");
        _report.Say($"kill -9 {string.Join(' ', first.Processes())}");
        await first.KillEverything();

        var row = await Writer.UntilAcknowledged(MachineClock.Boottime, Patience, _cluster.Evidence, _cancelled);
        var outage = Writer.LongestOutageSince(killed)
            ?? throw new ConditionNotMetException("writes never failed although the owner was killed");
        var second = _cluster.Nodes.First(node => GuestbookService.AddressOn(node) == row.By);
        var status = await _cluster.UntilService(
            Service, "has a new owner", Patience, service => service.IsOwned && service.Owner != first.Name, _cancelled);
        Require(second.Name == status.Owner && second != first, $"{row.By} answers, and status names it as owner: {status.Owner}");
        var allowed = _cluster.Options.Ttl + TakeoverBeyondTtl;
        Require(outage.Duration <= allowed, $"writes failed for {Report.Seconds(outage.Duration)}, more than {Report.Seconds(allowed)}");
        _report.Observed($"{second.Name} took over (epoch {status.Epoch}); writes failed for {Report.Seconds(outage.Duration)}");

        var lost = (await Writer.MissingAt(GuestbookService.AddressOn(second))).ToList();
        var early = lost.Where(missing => missing.AcknowledgedAt < announced.SafeUntil).ToList();
        Require(
            early.Count == 0,
            $"{early.Count} rows are lost that were acknowledged before what status had announced, such as {early.FirstOrDefault()}");
        Require(lost.Count > 0, "nothing is lost although writes were at risk: the kill was not what it should have been");
        var span = killed - lost[0].AcknowledgedAt;
        var exposed = Writer.Acknowledged.Count(
            written => written.AcknowledgedAt >= announced.SafeUntil && written.AcknowledgedAt <= killed);
        _report.Say($"acknowledged, but lost: {lost.Count} rows, {lost[0].Number} to {lost[^1].Number}");
        _report.Say($"the oldest of them was acknowledged {Report.Seconds(span)} before the kill");
        _report.Observed($"status had announced just these: {exposed} rows were at risk, nothing older is lost");
        _report.Figure("failover: writes failed for", Report.Seconds(outage.Duration), $"TTL + 3 s = {Report.Seconds(allowed)}");
        _report.Figure(
            "failover: acknowledged rows lost",
            $"{lost.Count}, back to {Report.Seconds(span)} before the kill",
            $"announced: {exposed}, back to {Report.Seconds(killed - announced.SafeUntil)}");
        await ShowStatus(second);
        return new Takeover(second, lost);
    }

    private async Task BringBack(ClusterNode first, Takeover takeover)
    {
        _report.Step($"{first.Name} comes back: nothing starts there, and what it had not archived is kept");
        var returned = MachineClock.Boottime;
        first.Start();
        first.StartRun(Service);
        await _cluster.UntilComplete(Patience, _cancelled);
        await _cluster.UntilService(Service, "has a divergent dump", Patience, service => service.Divergent > 0, _cancelled);
        var list = (await first.Clusterfs("divergent", "list", Service)).Successful();
        _report.Quote($"clusterfs divergent list {Service}", list.Output);
        var kept = await DivergentDump.ReadNewest(first, _cancelled);
        var absent = takeover.Lost.Count(row => !kept.Texts.Contains(row.Text));
        Require(absent == 0, $"{absent} of the {takeover.Lost.Count} lost rows are not in the exported dump");
        _report.Say($"{kept.Id} is exported to a tar file and read with SQLite: {kept.Texts.Count} rows");
        _report.Observed($"all {takeover.Lost.Count} lost rows are among them");

        Require(first.ProcessesOf(Service).Count == 0, $"the service was not started on {first.Name}");
        Require(first.Runs[Service].ExitCode is null, $"clusterfs run waits on {first.Name}");
        Require(Writer.LongestOutageSince(returned) is null, $"no write failed meanwhile");
        _report.Observed($"the service is not started on {first.Name}; on {takeover.Owner.Name} no write failed");
        _report.Figure("way back: lost rows in the divergent dump", $"{takeover.Lost.Count} of {takeover.Lost.Count}", "all");
    }

    private async Task MoveBack(ClusterNode first, Takeover takeover)
    {
        _report.Step($"A planned move back to {first.Name} while the client writes");
        var began = MachineClock.Boottime;
        var move = (await first.Clusterfs("move", Service, "--to", first.Name)).Successful();
        _report.Quote($"clusterfs move {Service} --to {first.Name}", move.Output);
        await Eventually.True(
            $"{first.Name} acknowledges rows",
            Patience,
            () => Writer.Acknowledged[^1] is var last && last.By == GuestbookService.AddressOn(first) && last.AcknowledgedAt > began,
            _cluster.Evidence,
            _cancelled);
        var status = await _cluster.UntilService(
            Service, $"is owned by {first.Name}", Patience, service => service.IsOwned && service.Owner == first.Name, _cancelled);
        var outage = Writer.LongestOutageSince(began)?.Duration ?? TimeSpan.Zero;
        Require(outage < LongestMove, $"writes failed for {Report.Seconds(outage)}, not less than {Report.Seconds(LongestMove)}");
        _report.Observed($"{first.Name} owns it again (epoch {status.Epoch}); writes failed for {Report.Seconds(outage)}");

        var missing = await Writer.MissingAt(GuestbookService.AddressOn(first));
        var lost = missing.Except(takeover.Lost).ToList();
        Require(lost.Count == 0, $"{lost.Count} acknowledged rows are lost, such as {lost.FirstOrDefault()}");
        var written = Writer.Acknowledged.Count;
        _report.Observed($"of {written} acknowledged rows none is missing but the {takeover.Lost.Count} of the failover");
        _report.Figure("planned move: writes failed for", Report.Seconds(outage), $"< {Report.Seconds(LongestMove)}");
        _report.Figure("planned move: acknowledged rows lost", "0", "0");
        _report.Figure("rows acknowledged in all", $"{written}", "");
        await ShowStatus(first);
    }

    private async Task ShowStatus(ClusterNode node) =>
        _report.Quote("clusterfs status", (await node.Clusterfs("status")).Successful().Output);

    private void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new ConditionNotMetException($"not as it should be: {what}{Environment.NewLine}{_cluster.Evidence()}");
        }
    }

    /// <param name="Owner">Who owns the service since.</param>
    /// <param name="Lost">The acknowledged rows that it does not have.</param>
    private sealed record Takeover(ClusterNode Owner, IReadOnlyList<AcknowledgedRow> Lost);
}
