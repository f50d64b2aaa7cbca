using ClusterFs.Demo;
using ClusterFs.Demo.Status;
using ClusterFs.Posix;
using Xunit.Abstractions;

namespace ClusterFs.Cluster.Tests.Recipes;

/// <summary>What every recipe has to withstand: the loss of its owner, and a planned move, with a client that writes through HAProxy all the time.</summary>
internal sealed class RecipeRun(RecipeCluster site, Recipe recipe, ITestOutputHelper output)
{
    private const int Some = 20;

    /// <summary>That certainly are in no dump.</summary>
    private const int AFew = 3;

    /// <summary>As long as HAProxy takes to notice that a daemon does not answer.</summary>
    private static readonly TimeSpan UntilItIsCutOff = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The lease, the takeover, a health check, and the service's own start: some seconds, which are shown. On a machine that is busy with other tests a
    /// server's start alone takes several tries of a client that is patient for two seconds. HAProxy's own patience with a connection is longer than this.
    /// </summary>
    private static readonly TimeSpan LongestFailover = TimeSpan.FromSeconds(28);

    /// <summary>Nothing has to run out, but what the service takes to stop comes before it.</summary>
    private static readonly TimeSpan LongestMove = TimeSpan.FromSeconds(15);

    private static TimeSpan Patience => RecipeCluster.Patience;

    private LocalCluster Cluster => site.Cluster;

    /// <param name="beforeTheKill">Looks at the service when no dump is taken any more, right before its node is lost.</param>
    /// <param name="afterTheKill">Looks at the service on the next node, when more was written there.</param>
    public async Task Withstand(Func<Task>? beforeTheKill = null, Func<Task>? afterTheKill = null)
    {
        var first = Cluster.Nodes[0];
        Candidate(first);
        await UntilOwnedBy(first);
        await recipe.Begin(first);
        foreach (var other in Cluster.Except(first))
        {
            Candidate(other);
        }

        await using var writer = new NumberWriter(recipe.Connect());
        using var reader = recipe.Connect();
        await writer.UntilMore(Some, Patience, Cluster.Evidence);
        await Dump(first);
        await UntilStandbys(Cluster.Except(first));

        var (safe, killed) = await KillWithLosses(first, writer, beforeTheKill);
        var written = writer.Acknowledged;

        await writer.UntilMore(Some, Patience, Cluster.Evidence);
        var failover = writer.LongestOutageSince(killed);
        var second = Cluster.Node((await Cluster.UntilService(recipe.Service, "is owned", Patience, IsOwned)).Owner!);
        Assert.NotEqual(first, second);
        var present = await ReadAll(reader);
        Assert.Empty(safe.Except(present));
        var lost = written.Except(present).ToHashSet();
        Assert.NotEmpty(lost);
        Shorter(failover, LongestFailover);
        await (afterTheKill?.Invoke() ?? Task.CompletedTask);

        // It comes back, keeps what was lost aside, and is a standby.
        first.Start();
        await Cluster.UntilComplete(Patience);
        Candidate(first);
        await Cluster.UntilService(recipe.Service, "has a divergent dump", Patience, service => service.Divergent > 0);
        await UntilStandbys([first]);
        (await second.Clusterfs(Patience, "archive", "rehearse", recipe.Service)).Successful();

        var moved = MachineClock.Boottime;
        (await second.Clusterfs(Patience, "move", recipe.Service, "--to", first.Name)).Successful();
        await writer.UntilMore(Some, Patience, Cluster.Evidence);
        await UntilOwnedBy(first);
        var move = writer.LongestOutageSince(moved);
        var all = writer.Acknowledged;
        Assert.Empty(all.Except(await ReadAll(reader)).Except(lost));
        Shorter(move, recipe.LongestStop + LongestMove);
        output.WriteLine(
            $"{recipe.Service}: failover {failover.TotalSeconds:0.0} s, {lost.Count} of {written.Count} writes lost, all after the last dump; "
            + $"move {move.TotalSeconds:0.0} s, none of {all.Count} lost");
        await Retire(first);
    }

    /// <summary>
    /// Kills a node once writes were acknowledged that are in no dump: none is taken while its daemon stands still. HAProxy cuts it off before long, and what a
    /// busy machine has not done until then is begun anew.
    /// </summary>
    /// <returns>What was acknowledged before the last dump, and so is in it; and when the node was killed.</returns>
    private async Task<(IReadOnlySet<long> Safe, TimeSpan Killed)> KillWithLosses(ClusterNode node, NumberWriter writer, Func<Task>? beforeTheKill)
    {
        var begun = MachineClock.Boottime;
        try
        {
            while (true)
            {
                // Where it is decided on by the node that is lost, that has to find a new home first, and a failover takes longer.
                await Eventually.True("it is decided on elsewhere", Patience, () => Cluster.DecidesOn(recipe.Service) != node, Cluster.Evidence);
                var safe = writer.Acknowledged;
                await Dump(node);
                node.Daemon!.Signal(Processes.SignalStop);
                try
                {
                    await writer.UntilMore(AFew, UntilItIsCutOff, Cluster.Evidence);
                    await (beforeTheKill?.Invoke() ?? Task.CompletedTask);
                    return (safe, MachineClock.Boottime);
                }
                catch (Exception problem) when (
                    problem is ConditionNotMetException or IOException or OperationCanceledException && MachineClock.Boottime - begun < Patience)
                {
                    output.WriteLine($"{recipe.Service}: once more, because {problem.Message.Split('\n')[0]}");
                    node.Daemon.Signal(Processes.SignalContinue);
                    await writer.UntilMore(Some, Patience, Cluster.Evidence);
                }
            }
        }
        finally
        {
            await node.KillEverything();
        }
    }

    private static bool IsOwned(ServiceStatus service) => service.IsOwned;

    private void Candidate(ClusterNode node)
    {
        node.Start();
        node.StartRun(recipe.Service);
    }

    private void Shorter(TimeSpan outage, TimeSpan allowed) =>
        Assert.True(outage < allowed, $"writes failed for {outage}, {allowed} are allowed{Environment.NewLine}{Cluster.Evidence()}");

    /// <summary>Some recipes dump every few minutes only.</summary>
    private async Task Dump(ClusterNode owner) => (await owner.Clusterfs(Patience, "dump", recipe.Service)).Successful();

    private Task<ServiceStatus> UntilOwnedBy(ClusterNode node) =>
        Cluster.UntilService(recipe.Service, $"is owned by {node.Name}", Patience, service => service.IsOwned && service.Owner == node.Name);

    private Task<ServiceStatus> UntilStandbys(IEnumerable<ClusterNode> nodes) => Cluster.UntilService(
        recipe.Service,
        "the others have copies",
        Patience,
        service => nodes.All(node => service.Standbys.Any(standby => standby.Node == node.Name && standby is { Sequence: > 0, Problem: null, LagSeconds: < 5 })));

    private static async Task<IReadOnlySet<long>> ReadAll(RecipeClient reader)
    {
        using var limit = new CancellationTokenSource(Patience);
        return await reader.ReadAll(limit.Token);
    }

    /// <summary>Ends it on all nodes, the owner last, so that it changes hands no more.</summary>
    private async Task Retire(ClusterNode owner)
    {
        foreach (var node in (ClusterNode[])[.. Cluster.Except(owner), owner])
        {
            node.Runs[recipe.Service].Signal(Processes.SignalTerminate);
            await node.Runs[recipe.Service].UntilExit(Patience);
        }
    }
}
