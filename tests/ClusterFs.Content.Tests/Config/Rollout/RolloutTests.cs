using ClusterFs.Content.Config;
using ClusterFs.Content.Config.Rollout;

namespace ClusterFs.Content.Tests.Config.Rollout;

/// <summary>Three nodes with disks of their own and one shared directory.</summary>
public sealed class RolloutTests : IDisposable
{
    private readonly ConfigBed _bed = new(null, "n1", "n2", "n3");

    private RolloutLog Log => new(_bed.Shared, Path.Combine(_bed.Shared, "clusterfs", "config", "wiki", "nginx"), "nginx");

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

    [SkippableFact]
    public void After_a_second_stop_the_nodes_that_had_passed_stay_as_they_are()
    {
        NeedsNamespaces();
        string[] nodes = ["n1", "n2", "n3"];
        var files = nodes.Select(node => _bed.Start(node, its => its with { Check = "! grep -q \"wrong on $CLUSTERFS_NODE\" \"$CLUSTERFS_PATH\"" })).ToArray();
        foreach (var version in new[] { "one\n", "wrong on n3\n", "wrong on n1\n" })
        {
            _bed.Write(version);
            ConfigBed.TendAll(files);
        }

        Assert.Equal(["wrong on n3\n", "wrong on n3\n", "one\n"], nodes.Select(node => File.ReadAllText(_bed.InUse(node))));
        Assert.Equal("one\nwrong on n3\n", File.ReadAllText(_bed.Reloads("n2")));
    }

    [SkippableFact]
    public void A_change_is_not_lost_with_the_slot_that_should_have_begun_it()
    {
        NeedsNamespaces();
        var (n1, n2, n3) = (_bed.Start("n1"), _bed.Start("n2"), _bed.Start("n3"));
        _bed.Write("one\n");
        ConfigBed.TendAll(n1, n2, n3);
        _bed.Write("two\n");
        var taken = 0;
        _bed.Decides = node =>
        {
            if (node == "n2" && taken < 2)
            {
                var state = Log.Read()!;
                Assert.True(Log.TryAppend(RolloutRules.Follow(state, state.Rollout, "n1", $"taken {taken++}", DateTimeOffset.UnixEpoch)));
            }
        };
        ConfigBed.Tend(n2);
        ConfigBed.TendAll(n1, n2, n3);
        Assert.Equal(2, taken);
        Assert.Equal("two\n", File.ReadAllText(_bed.InUse("n2")));

        taken = 0;
        var asked = ConfigBed.Apply(n2);
        Assert.Equal((2, null), (taken, asked.Problem));
        Assert.Equal(asked.Number, Log.Read()!.Rollout.Began);
    }

    [SkippableFact]
    public void A_version_that_is_gone_comes_back_or_the_roll_out_ends()
    {
        NeedsNamespaces();
        var (n1, n2, n3) = (_bed.Start("n1"), _bed.Start("n2"), _bed.Start("n3"));
        _bed.Write("one\n");
        ConfigBed.TendAll(n1, n2, n3);
        _bed.Write("two\n");
        ConfigBed.Tend(n2);
        var two = Log.Read()!.Rollout.Version;
        Directory.Delete(Log.DirectoryOf(two), recursive: true);
        Directory.CreateDirectory(Log.DirectoryOf(two));
        ConfigBed.TendAll(n1, n2, n3);
        Assert.All(new[] { "n1", "n2", "n3" }, node => Assert.Equal("two\n", File.ReadAllText(_bed.InUse(node))));

        _bed.Write("three\n");
        ConfigBed.Tend(n2);
        Directory.Delete(Log.DirectoryOf(Log.Read()!.Rollout.Version), recursive: true);
        File.Delete(_bed.Source);
        ConfigBed.Tend(n1);
        Assert.Equal("n1", Log.Read()!.Rollout.Running);
        _bed.Time.Pass(ConfigFiles.Patience);
        ConfigBed.Tend(n1);
        Assert.Contains("is not on shared storage any more", Log.Read()!.Rollout.Failure!.Words, StringComparison.Ordinal);
        _bed.Write("four\n");
        ConfigBed.TendAll(n1, n2, n3);
        Assert.All(new[] { "n1", "n2", "n3" }, node => Assert.Equal("four\n", File.ReadAllText(_bed.InUse(node))));
    }

    [SkippableFact]
    public void A_node_that_can_do_nothing_ends_its_turn_and_blocks_no_later_version()
    {
        NeedsNamespaces();
        var (n1, n2, n3) = (_bed.Start("n1"), _bed.Start("n2"), _bed.Start("n3"));
        _bed.Write("one\n");
        ConfigBed.TendAll(n1, n2, n3);
        var record = Path.Combine(_bed.Root, "n1", "state", "config", "wiki", "nginx", "record.json");
        File.Delete(record);
        Directory.CreateDirectory(Path.Combine(record, "in the way"));
        _bed.Write("two\n");
        ConfigBed.TendAll(n2, n1, n3);
        Assert.Equal("n1", Log.Read()!.Rollout.Running);
        _bed.Time.Pass(ConfigFiles.Patience);
        ConfigBed.Tend(n1);
        Assert.Equal("n1", Log.Read()!.Rollout.Failure!.Node);
        Directory.Delete(record, recursive: true);
        _bed.Write("three\n");
        ConfigBed.TendAll(n1, n2, n3);
        Assert.All(new[] { "n1", "n2", "n3" }, node => Assert.Equal("three\n", File.ReadAllText(_bed.InUse(node))));
    }

    [SkippableFact]
    public void What_was_refused_before_a_crash_is_told_and_not_tried_again()
    {
        NeedsNamespaces();
        var runs = Path.Combine(_bed.Root, "runs");
        ConfigFiles Start() => _bed.Start("n1", its => its with { Check = $"echo run >> '{runs}'; ! grep -q wrong \"$CLUSTERFS_PATH\"" });
        var n1 = Start();
        foreach (var version in new[] { "one\n", "wrong\n" })
        {
            _bed.Write(version);
            ConfigBed.Tend(n1);
        }

        // It had refused it, and was killed before it could say so.
        var told = Log.Read()!;
        Assert.Equal(("n1", 2), (told.Rollout.Failure!.Node, File.ReadAllLines(runs).Length));
        Assert.True(Log.TryAppend(RolloutRules.Follow(told, told.Rollout with { Failure = null, Running = "n1" }, "n1", "killed", DateTimeOffset.UnixEpoch)));
        ConfigBed.Tend(Start());
        Assert.Equal((told.Rollout.Failure, 2), (Log.Read()!.Rollout.Failure, File.ReadAllLines(runs).Length));
    }

    /// <summary>Its turn, or a version that it missed: what a crash left half done comes first, and is not forgotten because it has to wait.</summary>
    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_crash_left_is_not_built_on_while_it_cannot_be_finished(bool wasAway)
    {
        NeedsNamespaces();
        var (n1, n2) = (_bed.Start("n1"), _bed.Start("n2"));
        _bed.Write("one\n");
        ConfigBed.TendAll(n1, n2, _bed.Start("n3"));
        if (wasAway)
        {
            _bed.Away.Add("n3");
        }

        _bed.Write("two\n");
        ConfigBed.TendAll(n1, n2);
        _bed.Away.Clear();
        var dying = _bed.Start("n3", reached: point =>
        {
            if (point == "turned")
            {
                throw new InvalidOperationException("killed");
            }
        });
        Assert.Throws<InvalidOperationException>(() => ConfigBed.Tend(dying));
        var place = Path.GetDirectoryName(_bed.Target("n3"))!;
        File.SetUnixFileMode(place, (UnixFileMode)0x1FF);
        var next = _bed.Start("n3");
        ConfigBed.Tend(next);
        Assert.NotEqual(ConfigCondition.Current, ConfigBed.StateOf(next).Condition);
        Assert.Null(Log.Read()!.Rollout.Failure);
        File.SetUnixFileMode(place, (UnixFileMode)0x1ED);
        ConfigBed.TendAll(n1, n2, next);
        Assert.True(ConfigBed.StateOf(next).Condition == ConfigCondition.Current, ConfigBed.StateOf(next).Reason);
        Assert.Equal("two\n", File.ReadAllText(_bed.InUse("n3")));
    }

    [SkippableFact]
    public void A_node_that_hangs_in_its_turn_is_left_by_asking_after_its_time_and_not_before()
    {
        NeedsNamespaces();
        var (n1, n2, n3) = (_bed.Start("n1"), _bed.Start("n2"), _bed.Start("n3"));
        _bed.Write("one\n");
        ConfigBed.TendAll(n1, n2, n3);
        _bed.Write("two\n");
        ConfigBed.Tend(n2);
        _bed.Time.Pass(TimeSpan.FromHours(1));
        var state = Log.Read()!;
        Assert.True(Log.TryAppend(RolloutRules.Follow(state, RolloutRules.Start(state.Rollout, "n1"), "n1", "hangs", DateTimeOffset.UnixEpoch)));
        _bed.Write("three\n");
        Assert.Equal("n1 is at another version; ask again when it has ended", ConfigBed.Apply(n2).Problem);
        _bed.Time.Pass(TimeSpan.FromHours(1));
        ConfigBed.Tend(n2);
        Assert.Contains("has said nothing for longer than it can take", ConfigBed.StateOf(n2).Reason, StringComparison.Ordinal);
        Assert.Null(ConfigBed.Apply(n2).Problem);
        ConfigBed.TendAll(n1, n2, n3);
        Assert.All(new[] { "n1", "n2", "n3" }, node => Assert.Equal("three\n", File.ReadAllText(_bed.InUse(node))));
    }

    [SkippableFact]
    public void A_version_that_was_withdrawn_reaches_no_other_node()
    {
        NeedsNamespaces();
        var (n1, n2, n3) = (_bed.Start("n1"), _bed.Start("n2"), _bed.Start("n3"));
        _bed.Write("one\n");
        ConfigBed.TendAll(n1, n2, n3);
        _bed.Write("two\n");
        ConfigBed.Tend(n1);
        _bed.Write("one\n");
        ConfigBed.TendAll(n2, n3);
        Assert.Equal(["two\n", "one\n"], new[] { "n1", "n2" }.Select(node => File.ReadAllText(_bed.InUse(node))));
        Assert.Equal(ConfigCondition.Behind, ConfigBed.StateOf(n2).Condition);
        _bed.Time.Pass(ConfigFiles.Patience);
        ConfigBed.TendAll(n2, n3, n1);
        Assert.Equal("one\n", File.ReadAllText(_bed.InUse("n1")));
        Assert.All(new[] { n1, n2, n3 }, node => Assert.Equal(ConfigCondition.Current, ConfigBed.StateOf(node).Condition));
        Assert.Equal("one\n", File.ReadAllText(_bed.Reloads("n2")));
    }

    [SkippableFact]
    public void Only_what_is_old_and_needed_by_no_state_is_pruned()
    {
        NeedsNamespaces();
        var files = new[] { _bed.Start("n1"), _bed.Start("n2"), _bed.Start("n3") };
        var versions = new List<string>();
        foreach (var text in new[] { "one\n", "two\n", "three\n" })
        {
            _bed.Write(text);
            ConfigBed.TendAll(files);
            versions.Add(Log.Read()!.Rollout.Version);
        }

        Assert.All(versions, version => Assert.True(Directory.Exists(Log.DirectoryOf(version))));
        Directory.SetLastWriteTimeUtc(Log.DirectoryOf(versions[0]), DateTime.UtcNow - TimeSpan.FromHours(2));
        Directory.SetLastWriteTimeUtc(Log.DirectoryOf(versions[2]), DateTime.UtcNow - TimeSpan.FromHours(2));
        Log.Prune();
        Assert.Equal([false, true, true], versions.Select(version => Directory.Exists(Log.DirectoryOf(version))));
    }

    [Fact]
    public void One_of_many_gets_each_slot()
    {
        var log = new RolloutLog(_bed.Shared, Path.Combine(_bed.Shared, "clusterfs", "config", "wiki", "nginx"), "nginx");
        var state = RolloutRules.Follow(null, RolloutRules.Begin("v", ["n1"]), "n1", "first", DateTimeOffset.UnixEpoch);
        for (var round = 0; round < 100; round++)
        {
            var taken = 0;
            Parallel.For(0, 8, writer =>
            {
                var its = new RolloutLog(_bed.Shared, Path.Combine(_bed.Shared, "clusterfs", "config", "wiki", "nginx"), "nginx");
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
