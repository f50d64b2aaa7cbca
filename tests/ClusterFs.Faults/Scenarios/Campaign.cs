using ClusterFs.Demo;
using ClusterFs.Faults.Checking;
using ClusterFs.Faults.Injection;
using ClusterFs.Faults.Rig;
using ClusterFs.Faults.Schedule;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Scenarios;

/// <summary>Rounds of faults with quiet times between them, and a verdict at the end.</summary>
internal sealed class Campaign(FaultCluster cluster, Nemesis nemesis, Progress progress, CancellationToken cancelled)
{
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(3);

    private readonly Injector _injector = new(cluster);
    private readonly List<QuietTime> _quietTimes = [];

    /// <summary>Rounds begin until the time is over; the last one is brought to its end.</summary>
    public async Task<Evidence> Run(TimeSpan duration)
    {
        // The bounds are for what comes after a fault: a machine may have more to do than to start this.
        progress.Say($"  {await cluster.Settle(cancelled)} writes");
        await Task.Delay(Settling, cancelled);
        var began = MachineClock.Boottime;
        for (var number = 1; MachineClock.Boottime - began < duration; number++)
        {
            var round = nemesis.RoundOf(number);
            progress.Say($"round {number}");
            await Task.WhenAll(round.Faults.Select(fault => _injector.Inject(number, fault, text => progress.Say($"  {text}"), cancelled)));
            await BeQuiet(number);
        }

        return await Finish();
    }

    /// <summary>Waits until the service is written to and the nodes are one cluster, and a little longer.</summary>
    private async Task BeQuiet(int round)
    {
        var began = MachineClock.Boottime;
        var wrote = await cluster.UntilAcknowledged(began, LivenessRules.OwnerBound, cancelled);
        var members = await cluster.UntilComplete(began, LivenessRules.MembersBound, cancelled);
        _quietTimes.Add(new QuietTime(round, began, wrote - began, members));
        progress.Say(FormattableString.Invariant(
            $"  quiet: an owner after {Seconds(wrote - began)}, one cluster after {Seconds(members)}; {cluster.Owner ?? "nobody"} writes"));
        await Task.Delay(Settling, cancelled);
    }

    private async Task<Evidence> Finish()
    {
        progress.Say("the end: what the nodes still have to themselves is kept, then all stops in order");
        await Task.Delay(Settling * 2, cancelled);
        await cluster.StopInOrder();
        progress.Say("reading what is left");
        return await new EvidenceCollector(cluster).Collect(_injector.Faults, _injector.Moves, _quietTimes);
    }

    private static string Seconds(TimeSpan? time) =>
        time is { } known ? FormattableString.Invariant($"{known.TotalSeconds:0.0} s") : "never";
}
