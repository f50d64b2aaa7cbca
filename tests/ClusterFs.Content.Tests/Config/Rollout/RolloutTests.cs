using ClusterFs.Content.Config;
using ClusterFs.Content.Config.Rollout;

namespace ClusterFs.Content.Tests.Config.Rollout;

/// <summary>Three nodes with disks of their own and one shared directory.</summary>
public sealed class RolloutTests : IDisposable
{
    private readonly ConfigBed _bed = new(null, "n1", "n2", "n3");

    public void Dispose() => _bed.Dispose();

    [SkippableFact]
    public void A_right_version_reaches_all_and_a_wrong_one_stops_at_the_first_that_refuses_it()
    {
        NeedsNamespaces();
        var order = new List<string>();
        string[] nodes = ["n1", "n2", "n3"];
        var files = nodes.Select(node => _bed.Start(node, its => its with { Check = "! grep -q \"wrong on $CLUSTERFS_NODE\" \"$CLUSTERFS_PATH\" || { echo no good here; false; }" },
            point =>
            {
                if (point == "settled")
                {
                    order.Add(node);
                }
            })).ToArray();
        _bed.Write("one\n");
        ConfigBed.TendAll(files.Reverse().ToArray());
        Assert.Equal(nodes, order);
        Assert.All(nodes, node => Assert.Equal("one\n", File.ReadAllText(_bed.InUse(node))));
        Assert.All(files, its => Assert.Equal(ConfigCondition.Current, ConfigBed.StateOf(its).Condition));

        _bed.Write("wrong on n2\n");
        ConfigBed.TendAll(files);
        Assert.Equal(["wrong on n2\n", "one\n", "one\n"], nodes.Select(node => File.ReadAllText(_bed.InUse(node))));
        Assert.Equal([ConfigCondition.Current, ConfigCondition.Failed, ConfigCondition.Behind], files.Select(its => ConfigBed.StateOf(its).Condition));
        var stopped = ConfigBed.StateOf(files[2]);
        Assert.Contains("stopped at n2", stopped.Reason, StringComparison.Ordinal);
        Assert.Contains("no good here", stopped.Reason, StringComparison.Ordinal);
        Assert.False(File.ReadAllText(_bed.Reloads("n3")).Contains("wrong", StringComparison.Ordinal));

        // Asked again, it stops again; mended, it reaches all.
        Assert.True(ConfigBed.Apply(files[2]).Number > 0);
        ConfigBed.TendAll(files);
        Assert.Equal("n2", ConfigBed.StateOf(files[2]).Rollout!.Rollout.Failure!.Node);
        _bed.Write("right\n");
        ConfigBed.TendAll(files);
        Assert.All(nodes, node => Assert.Equal("right\n", File.ReadAllText(_bed.InUse(node))));
    }

    [SkippableFact]
    public void A_node_that_is_away_takes_the_last_good_version_when_it_is_back()
    {
        NeedsNamespaces();
        var (n1, n2) = (_bed.Start("n1"), _bed.Start("n2"));
        _bed.Away.Add("n3");
        _bed.Write("one\n");
        ConfigBed.TendAll(n1, n2);
        Assert.True(ConfigBed.StateOf(n1).Rollout!.Rollout.IsFinished);
        _bed.Write("wrong\n");
        ConfigBed.TendAll(n1, n2);
        Assert.Equal("n1", ConfigBed.StateOf(n2).Rollout!.Rollout.Failure!.Node);
        _bed.Away.Clear();
        var n3 = _bed.Start("n3");
        ConfigBed.TendAll(n1, n2, n3);
        Assert.Equal("one\n", File.ReadAllText(_bed.InUse("n3")));
    }

    [Fact]
    public void One_of_many_gets_each_slot()
    {
        var log = new RolloutLog(_bed.Shared, Path.Combine(_bed.Shared, "clusterfs", "config", "wiki", "nginx"), "wiki.conf");
        var state = RolloutRules.Follow(null, RolloutRules.Begin("v", ["n1"]), "n1", "first", DateTimeOffset.UnixEpoch);
        for (var round = 0; round < 100; round++)
        {
            var taken = 0;
            Parallel.For(0, 8, writer =>
            {
                var its = new RolloutLog(_bed.Shared, Path.Combine(_bed.Shared, "clusterfs", "config", "wiki", "nginx"), "wiki.conf");
                if (its.TryAppend(state with { Nonce = $"{round}-{writer}" }))
                {
                    Interlocked.Increment(ref taken);
                }
            });
            Assert.Equal(1, taken);
            state = log.Read()!;
            Assert.Equal(round + 1, state.Number);
            state = RolloutRules.Follow(state, state.Rollout, "n1", "next", DateTimeOffset.UnixEpoch);
        }
    }

    private static void NeedsNamespaces() => Skip.IfNot(StagedCheck.HasNamespaces, "needs root and /usr/bin/unshare, to give a check a view of its own");
}
