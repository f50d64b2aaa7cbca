using ClusterFs.Configuration;
using ClusterFs.Content.Config;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Config;

/// <summary>One node: what becomes of right versions, wrong ones, and of what somebody changes.</summary>
public sealed class ConfigFilesTests : IDisposable
{
    private readonly ConfigBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [SkippableFact]
    public void A_right_version_is_included_and_a_wrong_one_changes_nothing()
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "mine\n");
        FileAttribution.SetMode(_bed.Target(), 0x1A0);
        _bed.Write("one\n");
        var files = _bed.Start();
        ConfigBed.Tend(files);
        Assert.Equal((ConfigCondition.Current, null), (ConfigBed.StateOf(files).Condition, ConfigBed.StateOf(files).Reason));
        Assert.Equal("one\n", File.ReadAllText(_bed.InUse()));
        Assert.StartsWith("mine\n# BEGIN clusterfs wiki/nginx ", File.ReadAllText(_bed.Target()), StringComparison.Ordinal);
        Assert.Contains($"\ninclude {_bed.InUse()};\n", File.ReadAllText(_bed.Target()), StringComparison.Ordinal);
        Assert.Equal(0x1A0u, FileStatus.TryRead(_bed.Target())!.Value.Mode);
        Assert.Equal("one\n", File.ReadAllText(_bed.Reloads()));
        var before = File.ReadAllText(_bed.Target());

        _bed.Write("wrong\n");
        ConfigBed.Tend(files);
        var refused = ConfigBed.StateOf(files);
        Assert.Equal(ConfigCondition.Failed, refused.Condition);
        Assert.Contains("the check refused version", refused.Reason, StringComparison.Ordinal);
        Assert.Equal("n1", refused.Rollout!.Rollout.Failure!.Node);
        Assert.Equal(("one\n", before, "one\n"), (File.ReadAllText(_bed.InUse()), File.ReadAllText(_bed.Target()), File.ReadAllText(_bed.Reloads())));

        // It is not tried again, not by the next daemon either, until there is another one.
        var number = refused.Rollout.Number;
        ConfigBed.Tend(_bed.Start());
        Assert.Equal(number, ConfigBed.StateOf(files).Rollout!.Number);
        _bed.Write("two\n");
        ConfigBed.Tend(files);
        Assert.Equal(ConfigCondition.Current, ConfigBed.StateOf(files).Condition);
        Assert.Equal(("two\n", "one\ntwo\n"), (File.ReadAllText(_bed.InUse()), File.ReadAllText(_bed.Reloads())));
        Assert.Equal(before, File.ReadAllText(_bed.Target()));
    }

    [SkippableFact]
    public void Each_version_that_fails_is_counted_also_when_it_fails_with_the_same_words()
    {
        NeedsNamespaces();
        var files = _bed.Start(with: file => file with { Reload = "echo no; exit 7" });
        foreach (var text in new[] { "one\n", "two\n" })
        {
            _bed.Write(text);
            ConfigBed.Tend(files);
            ConfigBed.Tend(files);
        }

        Assert.Equal((0L, 2L), (ConfigBed.StateOf(files).Uses, ConfigBed.StateOf(files).Failures));
    }

    [SkippableFact]
    public void The_check_sees_the_staged_version_and_nobody_else_does()
    {
        NeedsNamespaces();
        var (seen, outside) = (Path.Combine(_bed.Root, "seen"), Path.Combine(_bed.Root, "outside"));
        foreach (var kind in new[] { ConfigKind.Include, ConfigKind.Copy, ConfigKind.Link })
        {
            using var bed = new ConfigBed();
            bed.Write("one\n");
            var target = bed.Target();
            var files = bed.Start(with: its => its with
            {
                Kind = kind,
                Check = $"cat '{target}' > '{seen}' && test ! -e /proc/{Environment.ProcessId}/root'{target}' && echo not there > '{outside}'; cat \"$CLUSTERFS_PATH\" >> '{seen}'",
            });
            ConfigBed.Tend(files);
            Assert.True(ConfigBed.StateOf(files).Condition == ConfigCondition.Current, ConfigBed.StateOf(files).Reason);
            Assert.EndsWith("one\n", File.ReadAllText(seen), StringComparison.Ordinal);
            Assert.Equal("not there\n", File.ReadAllText(outside));
            Assert.Equal(kind == ConfigKind.Include, File.ReadAllText(seen).Contains("include ", StringComparison.Ordinal));
            File.Delete(outside);
        }
    }

    [SkippableTheory]
    [InlineData("reload")]
    [InlineData("healthy")]
    public void What_reads_it_is_not_well_so_it_goes_back_and_reloads_once_more(string how)
    {
        NeedsNamespaces();
        _bed.Write("one\n");
        var files = Start(TimeSpan.FromMinutes(1));
        ConfigBed.Tend(files);
        Assert.Equal(ConfigCondition.Current, ConfigBed.StateOf(files).Condition);
        _bed.Write("ill\n");
        files = Start(TimeSpan.FromMilliseconds(700));
        ConfigBed.Tend(files);
        var state = ConfigBed.StateOf(files);
        Assert.Equal(ConfigCondition.Failed, state.Condition);
        Assert.Contains("it is ill", state.Reason, StringComparison.Ordinal);
        Assert.Equal(("one\n", "one\nill\none\n"), (File.ReadAllText(_bed.InUse()), File.ReadAllText(_bed.Reloads())));

        ConfigFiles Start(TimeSpan healthyWithin) => _bed.Start(with: file => how == "reload"
            ? file with { Reload = $"{file.Reload}; ! grep -q ill \"$CLUSTERFS_PATH\" || {{ echo it is ill; false; }}" }
            : file with { Healthy = "! grep -q ill \"$CLUSTERFS_PATH\" || { echo it is ill; false; }", HealthyWithin = healthyWithin });
    }

    [SkippableTheory]
    [InlineData(ConfigKind.Include, "of the package\n")]
    [InlineData(ConfigKind.Include, null)]
    [InlineData(ConfigKind.Copy, "of the package\n")]
    [InlineData(ConfigKind.Copy, null)]
    [InlineData(ConfigKind.Link, "of the package\n")]
    [InlineData(ConfigKind.Link, null)]
    public void The_first_version_does_no_good_so_all_is_as_it_was(ConfigKind kind, string? before)
    {
        NeedsNamespaces();
        if (before is not null)
        {
            File.WriteAllText(_bed.Target(), before);
        }

        _bed.Write("ill\n");
        var files = _bed.Start(with: file => file with { Kind = kind, Reload = "! grep -q ill \"$CLUSTERFS_PATH\"" });
        ConfigBed.Tend(files);
        Assert.Equal(ConfigCondition.Failed, ConfigBed.StateOf(files).Condition);
        Assert.Equal(before, FileStatus.TryRead(_bed.Target()) is null ? null : File.ReadAllText(_bed.Target()));
        Assert.Equal(before is null ? [] : [_bed.Target()], Directory.GetFileSystemEntries(Path.GetDirectoryName(_bed.Target())!));
        _bed.Write("well\n");
        ConfigBed.Tend(files);
        Assert.True(ConfigBed.StateOf(files).Condition == ConfigCondition.Current, ConfigBed.StateOf(files).Reason);
    }

    [SkippableTheory]
    [InlineData(ConfigKind.Copy)]
    [InlineData(ConfigKind.Link)]
    public void A_copy_and_a_link_keep_what_was_there(ConfigKind kind)
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "of the package\n");
        _bed.Write("one\n");
        var files = _bed.Start(with: file => file with { Kind = kind });
        ConfigBed.Tend(files);
        Assert.True(ConfigBed.StateOf(files).Condition == ConfigCondition.Current, ConfigBed.StateOf(files).Reason);
        Assert.Equal("one\n", File.ReadAllText(_bed.Target()));
        Assert.Equal(kind == ConfigKind.Link ? _bed.InUse() : null, new FileInfo(_bed.Target()).LinkTarget);
        Assert.Equal("of the package\n", File.ReadAllText(Assert.Single(ConfigBed.StateOf(files).Kept)));
        _bed.Write("two\n");
        ConfigBed.Tend(files);
        Assert.Equal("two\n", File.ReadAllText(_bed.Target()));

        File.Delete(_bed.Target());
        File.WriteAllText(_bed.Target(), "edited\n");
        ConfigBed.Tend(files);
        Assert.Equal(ConfigCondition.Drifted, ConfigBed.StateOf(files).Condition);
        Assert.Equal("edited\n", File.ReadAllText(_bed.Target()));
        Assert.Null(ConfigBed.Apply(files).Problem);
        Assert.True(ConfigBed.StateOf(files).Condition == ConfigCondition.Current, ConfigBed.StateOf(files).Reason);
        Assert.Equal("two\n", File.ReadAllText(_bed.Target()));
        Assert.Equal(["of the package\n", "edited\n"], ConfigBed.StateOf(files).Kept.Select(File.ReadAllText));
    }

    [SkippableTheory]
    [InlineData(ConfigKind.Include)]
    [InlineData(ConfigKind.Copy)]
    [InlineData(ConfigKind.Link)]
    public void A_directory_goes_as_a_whole(ConfigKind kind)
    {
        NeedsNamespaces();
        File.Delete(_bed.Source);
        Directory.CreateDirectory(Path.Combine(_bed.Source, "parts"));
        File.WriteAllText(Path.Combine(_bed.Source, "a.conf"), "a\n");
        File.WriteAllText(Path.Combine(_bed.Source, "parts", "b.conf"), "b\n");
        File.WriteAllText(Path.Combine(_bed.Source, ".a.conf.swp"), "of an editor");
        var files = _bed.Start(with: file => file with { Kind = kind, Include = "include %PATH%/*.conf;", Check = "test -f \"$CLUSTERFS_PATH/a.conf\"", Reload = null });
        ConfigBed.Tend(files);
        Assert.True(ConfigBed.StateOf(files).Condition == ConfigCondition.Current, ConfigBed.StateOf(files).Reason);
        var there = kind == ConfigKind.Include ? _bed.InUse() : _bed.Target();
        Assert.Equal("b\n", File.ReadAllText(Path.Combine(there, "parts", "b.conf")));
        Assert.False(File.Exists(Path.Combine(there, ".a.conf.swp")));
        File.Delete(Path.Combine(_bed.Source, "parts", "b.conf"));
        File.WriteAllText(Path.Combine(_bed.Source, "a.conf"), "a2\n");
        ConfigBed.Tend(files);
        Assert.True(ConfigBed.StateOf(files).Condition == ConfigCondition.Current, ConfigBed.StateOf(files).Reason);
        Assert.Equal("a2\n", File.ReadAllText(Path.Combine(there, "a.conf")));
        Assert.False(File.Exists(Path.Combine(there, "parts", "b.conf")));
    }

    [SkippableFact]
    public void What_is_changed_on_the_node_is_reported_and_kept()
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "mine\n");
        _bed.Write("one\n");
        var files = _bed.Start();
        ConfigBed.Tend(files);
        var whole = File.ReadAllText(_bed.Target());

        File.WriteAllText(_bed.Target(), whole.Replace("include", "#include", StringComparison.Ordinal));
        ConfigBed.Tend(files);
        Assert.Contains("the block that includes it was edited", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        ConfigBed.Apply(files);
        Assert.Equal(whole, File.ReadAllText(_bed.Target()));
        var kept = Assert.Single(ConfigBed.StateOf(files).Kept);
        Assert.Contains("#include", File.ReadAllText(kept), StringComparison.Ordinal);
        File.Delete(kept);
        File.WriteAllText(_bed.Target(), "mine\n");
        ConfigBed.Tend(files);
        Assert.Equal(ConfigCondition.Drifted, ConfigBed.StateOf(files).Condition);
        Assert.Contains("the block that includes it is missing", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        Assert.Equal("mine\n", File.ReadAllText(_bed.Target()));
        ConfigBed.Apply(files);
        Assert.Equal((ConfigCondition.Current, whole), (ConfigBed.StateOf(files).Condition, File.ReadAllText(_bed.Target())));

        FileAttribution.SetMode(_bed.InUse(), 0x1A4);
        File.WriteAllText(_bed.InUse(), "edited\n");
        ConfigBed.Tend(files);
        Assert.Contains("the copy was changed on this node", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        ConfigBed.Apply(files);
        Assert.Equal((ConfigCondition.Current, "one\n"), (ConfigBed.StateOf(files).Condition, File.ReadAllText(_bed.InUse())));
        Assert.Equal("edited\n", File.ReadAllText(Path.Combine(Assert.Single(ConfigBed.StateOf(files).Kept), "nginx")));
    }

    [SkippableFact]
    public void Mistakes_are_one_error_each_and_change_nothing()
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "mine\n");
        var files = _bed.Start();
        ConfigBed.Tend(files);
        Is($"the source cannot be used, and what is in use stays: {_bed.Source}: there is no such file or directory");

        File.CreateSymbolicLink(_bed.Source, "/etc/shadow");
        ConfigBed.Tend(files);
        Is($"the source cannot be used, and what is in use stays: {_bed.Source}: is a symbolic link, and it might lead anywhere; put there the file that it leads to");
        File.Delete(_bed.Source);

        _bed.Write($"x\ninclude {_bed.Target()};\n");
        ConfigBed.Tend(files);
        Is($"it includes itself: {_bed.Target()} → {_bed.InUse()} → {_bed.Target()}; take one of these includes away");
        _bed.Write("include *.conf;\n");
        ConfigBed.Tend(files);
        Is($"it includes itself: {_bed.Target()} → {_bed.InUse()} → {_bed.Target()}; take one of these includes away");
        var other = Path.Combine(_bed.Root, "n1", "etc", "other");
        File.WriteAllText(other, $"include {_bed.InUse()};\n");
        _bed.Write($"include {other};\n");
        ConfigBed.Tend(files);
        Is($"it includes itself: {_bed.InUse()} → {other} → {_bed.InUse()}; take one of these includes away");

        _bed.Write("right\n");
        var immutable = _bed.Start(with: file => file with { Target = "/proc/version" });
        ConfigBed.Tend(immutable);
        Assert.Equal(ConfigCondition.Failed, ConfigBed.StateOf(immutable).Condition);
        Assert.Contains("/proc", ConfigBed.StateOf(immutable).Reason, StringComparison.Ordinal);
        var nowhere = _bed.Start(with: file => file with { Target = "/nowhere/at-all/main.conf" });
        ConfigBed.Apply(nowhere);
        Assert.Contains("there is no directory /nowhere/at-all", ConfigBed.StateOf(nowhere).Reason, StringComparison.Ordinal);
        File.CreateSymbolicLink(_bed.Target() + ".link", _bed.Target());
        var linked = _bed.Start(with: file => file with { Target = _bed.Target() + ".link" });
        ConfigBed.Apply(linked);
        Assert.Contains("is a symbolic link; name the file that it leads to", ConfigBed.StateOf(linked).Reason, StringComparison.Ordinal);
        var onto = Path.Combine(_bed.Root, "n1", "onto");
        File.CreateSymbolicLink(onto, _bed.Shared);
        var shared = _bed.Start(with: file => file with { Kind = ConfigKind.Link, Target = Path.Combine(onto, "nginx", "x") });
        ConfigBed.Apply(shared);
        Assert.Contains("leads onto shared storage", ConfigBed.StateOf(shared).Reason, StringComparison.Ordinal);
        Assert.Equal("mine\n", File.ReadAllText(_bed.Target()));
        Assert.False(File.Exists(_bed.Reloads()));

        void Is(string reason)
        {
            Assert.Equal((ConfigCondition.Failed, reason), (ConfigBed.StateOf(files).Condition, ConfigBed.StateOf(files).Reason));
            Assert.Equal("mine\n", File.ReadAllText(_bed.Target()));
        }
    }

    [SkippableFact]
    public void Without_shared_storage_what_is_in_use_stays()
    {
        NeedsNamespaces();
        _bed.Write("one\n");
        ConfigBed.Tend(_bed.Start());
        Directory.Move(_bed.Shared, _bed.Shared + ".away");
        var files = _bed.Start();
        ConfigBed.Tend(files);
        Assert.Equal((ConfigCondition.Unknown, "one\n"), (ConfigBed.StateOf(files).Condition, File.ReadAllText(_bed.InUse())));
        Assert.Contains("is away", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        Directory.Move(_bed.Shared + ".away", _bed.Shared);
        ConfigBed.Tend(files);
        Assert.Equal(ConfigCondition.Current, ConfigBed.StateOf(files).Condition);
    }

    [SkippableFact]
    public void A_check_that_hangs_is_killed_with_all_that_it_started()
    {
        NeedsNamespaces();
        _bed.Write("one\n");
        var mark = Path.Combine(_bed.Root, "went on");
        var files = _bed.Start(with: file => file with { Check = $"(sleep 2; touch '{mark}') & sleep 1000", CheckTimeout = TimeSpan.FromMilliseconds(500) });
        ConfigBed.Tend(files);
        Assert.Contains("no end after 0.5 s, killed", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        using var never = new ManualResetEventSlim();
        never.Wait(TimeSpan.FromSeconds(2.5));
        Assert.False(File.Exists(mark));
    }

    [SkippableFact]
    public void A_difference_is_shown_and_changes_nothing()
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "mine\n");
        _bed.Write("one\n");
        var files = _bed.Start();
        var first = Assert.Single(files.Compare());
        Assert.Contains("--- /dev/null\n+++ nginx/wiki.conf\n@@ -0,0 +1 @@\n+one\n", first.Diff, StringComparison.Ordinal);
        Assert.Contains($"+include {_bed.InUse()};\n", first.Diff, StringComparison.Ordinal);
        Assert.Equal("mine\n", File.ReadAllText(_bed.Target()));
        ConfigBed.Tend(files);
        Assert.Equal("", Assert.Single(files.Compare()).Diff);
        _bed.Write("two\n");
        Assert.Equal("--- n1:nginx/wiki.conf (in use)\n+++ nginx/wiki.conf\n@@ -1 +1 @@\n-one\n+two\n", Assert.Single(files.Compare()).Diff);
    }

    private static void NeedsNamespaces() => Skip.IfNot(StagedCheck.HasNamespaces, "needs root and /usr/bin/unshare, to give a check a view of its own");
}
