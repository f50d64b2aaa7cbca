using ClusterFs.Configuration;
using ClusterFs.Content.Config;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Config;

/// <summary>One node: where somebody's own work, or a configuration that runs, could be lost.</summary>
public sealed class ConfigHazardsTests : IDisposable
{
    private const uint Stranger = 12345;

    private readonly ConfigBed _bed = new();

    private string Etc => Path.GetDirectoryName(_bed.Target())!;

    public void Dispose() => _bed.Dispose();

    [SkippableFact]
    public void What_already_was_as_the_first_version_stays_when_that_is_refused()
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "ill\n");
        _bed.Write("ill\n");
        var files = _bed.Start(with: file => file with { Kind = ConfigKind.Copy, Reload = "! grep -q ill \"$CLUSTERFS_PATH\"" });
        ConfigBed.Tend(files);
        Assert.Equal(ConfigCondition.Failed, ConfigBed.StateOf(files).Condition);
        Assert.Equal("ill\n", File.ReadAllText(_bed.Target()));
        _bed.Write("well\n");
        ConfigBed.Tend(files);
        Assert.True(ConfigBed.StateOf(files).Condition == ConfigCondition.Current, ConfigBed.StateOf(files).Reason);
        Assert.Equal("ill\n", File.ReadAllText(Assert.Single(ConfigBed.StateOf(files).Kept)));
    }

    [SkippableFact]
    public void What_somebody_mends_while_the_first_version_fails_is_kept()
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "of the package\n");
        _bed.Write("one\n");
        var flag = Path.Combine(_bed.Root, "flag");
        var files = _bed.Start(with: file => file with
        {
            Kind = ConfigKind.Copy,
            Reload = $"test -e '{flag}' || {{ touch '{flag}'; echo repaired > '{_bed.Target()}'; }}; false",
        });
        ConfigBed.Tend(files);
        Assert.Equal("of the package\n", File.ReadAllText(_bed.Target()));
        Assert.Equal("repaired\n", File.ReadAllText(Assert.Single(ConfigBed.StateOf(files).Kept)));
    }

    [SkippableTheory]
    [InlineData(ConfigKind.Include)]
    [InlineData(ConfigKind.Copy)]
    [InlineData(ConfigKind.Link)]
    public void Nothing_is_touched_in_a_directory_that_others_may_write_to(ConfigKind kind)
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "mine\n");
        _bed.Write("one\n");
        FileAttribution.SetOwner(Etc, Stranger, Stranger);
        var files = _bed.Start(with: file => file with { Kind = kind });
        ConfigBed.Tend(files);
        Assert.Contains($"{Etc} belongs to user {Stranger}", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        FileAttribution.SetOwner(Etc, 0, 0);
        FileAttribution.SetMode(Etc, 0x1FF);
        ConfigBed.Apply(files);
        Assert.Contains($"others may write to {Etc}", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);

        // Also one that is only passed on the way, by a link.
        FileAttribution.SetMode(Etc, 0x1ED);
        var way = Path.Combine(_bed.Root, "way");
        Directory.CreateDirectory(way);
        FileAttribution.SetMode(way, 0x1FF);
        File.CreateSymbolicLink(Path.Combine(way, "link"), Etc);
        File.CreateSymbolicLink(Path.Combine(_bed.Root, "start"), Path.Combine(way, "link"));
        var behind = _bed.Start(with: file => file with { Kind = kind, Target = Path.Combine(_bed.Root, "start", "main.conf") });
        ConfigBed.Apply(behind);
        Assert.Contains($"others may write to {way}", ConfigBed.StateOf(behind).Reason, StringComparison.Ordinal);
        Assert.Equal("mine\n", File.ReadAllText(_bed.Target()));
        Assert.Equal([_bed.Target()], Directory.GetFileSystemEntries(Etc));
    }

    [SkippableFact]
    public void A_file_with_a_second_name_is_not_read_for_its_owner()
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "mine\n");
        Assert.True(Durable.TryLink(_bed.Target(), _bed.Target() + ".too"));
        _bed.Write("one\n");
        var files = _bed.Start();
        ConfigBed.Tend(files);
        Assert.Contains("has 2 names (hard links)", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        Assert.Equal("mine\n", File.ReadAllText(_bed.Target()));
    }

    [SkippableTheory]
    [InlineData("check")]
    [InlineData("reload")]
    public void An_edited_copy_stays_in_use_when_what_should_replace_it_is_refused(string how)
    {
        NeedsNamespaces();
        _bed.Write("one\n");
        var first = _bed.Start();
        ConfigBed.Tend(first);
        Edit("edited\n");
        var seen = new List<string>();
        var files = _bed.Start(
            with: file => how == "check" ? file with { Check = "false" } : file with { Reload = "! grep -q one \"$CLUSTERFS_PATH\"" },
            reached: point => seen.Add($"{point}: {File.ReadAllText(_bed.InUse())}"));
        ConfigBed.Apply(files);
        Assert.Contains("fetched: edited\n", seen);
        Assert.Equal("edited\n", File.ReadAllText(_bed.InUse()));
        Assert.Equal(ConfigCondition.Failed, ConfigBed.StateOf(files).Condition);
        Assert.Contains(how == "check" ? "the check refused" : "the reload failed", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        Assert.Contains("the copy was changed on this node", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        Assert.Empty(ConfigBed.StateOf(files).Kept);
        Assert.Equal("one\n", File.ReadAllText(_bed.Reloads()));
        ConfigBed.Apply(first);
        Assert.Equal((ConfigCondition.Current, "one\n"), (ConfigBed.StateOf(first).Condition, File.ReadAllText(_bed.InUse())));
        Assert.Equal("edited\n", File.ReadAllText(Path.Combine(Assert.Single(ConfigBed.StateOf(first).Kept), "nginx")));
    }

    [SkippableFact]
    public void An_edited_copy_is_kept_aside_when_a_new_version_comes()
    {
        NeedsNamespaces();
        _bed.Write("one\n");
        var files = _bed.Start();
        ConfigBed.Tend(files);
        Edit("edited\n");
        _bed.Write("two\n");
        ConfigBed.Tend(files);
        Assert.Equal((ConfigCondition.Current, "two\n"), (ConfigBed.StateOf(files).Condition, File.ReadAllText(_bed.InUse())));
        Assert.Equal("edited\n", File.ReadAllText(Path.Combine(Assert.Single(ConfigBed.StateOf(files).Kept), "nginx")));
    }

    [SkippableTheory]
    [InlineData(ConfigKind.Include)]
    [InlineData(ConfigKind.Copy)]
    [InlineData(ConfigKind.Link)]
    public void After_the_source_was_renamed_the_way_back_is_open(ConfigKind kind)
    {
        NeedsNamespaces();
        _bed.Write("one\n");
        ConfigBed.Tend(_bed.Start(with: file => file with { Kind = kind }));
        var before = File.ReadAllText(_bed.Target());
        File.WriteAllText(Path.Combine(_bed.Shared, "nginx", "wiki2.conf"), "ill\n");
        var files = _bed.Start(with: file => file with { Kind = kind, Source = "nginx/wiki2.conf", Reload = "! grep -q ill \"$CLUSTERFS_PATH\"" });
        ConfigBed.Tend(files);
        Assert.Equal(ConfigCondition.Failed, ConfigBed.StateOf(files).Condition);
        Assert.DoesNotContain("blocked", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        Assert.Equal((before, "one\n"), (File.ReadAllText(_bed.Target()), File.ReadAllText(_bed.InUse())));
    }

    [SkippableFact]
    public void What_a_crash_cut_short_is_checked_again_or_forgotten()
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "mine\n");
        _bed.Write("one\n");
        Kill("intended");
        _bed.Write("good\n");
        var files = _bed.Start();
        ConfigBed.Tend(files);
        Assert.Equal("good\n", File.ReadAllText(_bed.Reloads()));

        _bed.Write("two\n");
        Kill("turned");
        File.WriteAllText(_bed.Target(), "broken\n" + File.ReadAllText(_bed.Target()));
        var next = _bed.Start(with: file => file with { Check = $"! grep -q broken '{_bed.Target()}'" });
        ConfigBed.Tend(next);
        Assert.Equal((ConfigCondition.Failed, "good\n"), (ConfigBed.StateOf(next).Condition, File.ReadAllText(_bed.InUse())));
        Assert.Contains("the check refused", ConfigBed.StateOf(next).Reason, StringComparison.Ordinal);
    }

    [SkippableTheory]
    [InlineData("checked")]
    [InlineData("turned")]
    public void What_somebody_writes_meanwhile_is_checked_before_anything_reads_it(string when)
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "mine\n");
        _bed.Write("one\n");
        var written = false;
        var files = _bed.Start(
            with: file => file with { Check = $"! grep -q broken '{_bed.Target()}'", Reload = $"cat '{_bed.Target()}' >> '{_bed.Reloads()}'" },
            reached: point =>
            {
                if (point == when && !written)
                {
                    written = true;
                    File.WriteAllText(_bed.Target(), when == "checked" ? "broken\n" : "mine too\n");
                }
            });
        ConfigBed.Tend(files);
        if (when == "checked")
        {
            Assert.Equal(ConfigCondition.Failed, ConfigBed.StateOf(files).Condition);
            Assert.False(File.Exists(_bed.Reloads()));
            Assert.Equal("broken\n", File.ReadAllText(_bed.Target()));
        }
        else
        {
            Assert.True(ConfigBed.StateOf(files).Condition == ConfigCondition.Current, ConfigBed.StateOf(files).Reason);
            Assert.StartsWith("mine too\n# BEGIN", File.ReadAllText(_bed.Reloads()), StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public void An_emptied_source_is_none()
    {
        NeedsNamespaces();
        _bed.Write("one\n");
        var files = _bed.Start();
        ConfigBed.Tend(files);
        _bed.Write("");
        ConfigBed.Tend(files);
        Assert.Contains("is empty", ConfigBed.StateOf(files).Reason, StringComparison.Ordinal);
        Assert.Equal("one\n", File.ReadAllText(_bed.InUse()));
    }

    [SkippableFact]
    public void Current_is_only_what_lies_on_shared_storage_now()
    {
        NeedsNamespaces();
        _bed.Write("one\n");
        var files = _bed.Start();
        ConfigBed.Tend(files);
        _bed.Write("two\n");
        Assert.True(files.Tend(nudged: true, CancellationToken.None));
        Assert.Equal(ConfigCondition.Behind, ConfigBed.StateOf(files).Condition);
    }

    private void Edit(string text)
    {
        FileAttribution.SetMode(_bed.InUse(), 0x1A4);
        File.WriteAllText(_bed.InUse(), text);
    }

    private void Kill(string point)
    {
        var killed = new InvalidOperationException("killed");
        var files = _bed.Start(reached: its =>
        {
            if (its == point)
            {
                throw killed;
            }
        });
        Assert.Same(killed, Assert.Throws<InvalidOperationException>(() => ConfigBed.Tend(files)));
    }

    private static void NeedsNamespaces() => Skip.IfNot(StagedCheck.HasNamespaces, "needs root and /usr/bin/unshare, to give a check a view of its own");
}
