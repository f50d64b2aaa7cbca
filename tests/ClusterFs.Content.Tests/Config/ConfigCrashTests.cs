using ClusterFs.Configuration;
using ClusterFs.Content.Config;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Config;

/// <summary>A daemon that is killed in a roll-out leaves the old version or the new one, whole, and the next one finishes the work.</summary>
public sealed class ConfigCrashTests : IDisposable
{
    private const int Killed = 137;

    private readonly ConfigBed _bed = new();

    public static TheoryData<string, string> Points
    {
        get
        {
            var points = new TheoryData<string, string>();
            foreach (var kind in new[] { "Include", "Copy", "Link" })
            {
                foreach (var point in new[] { "fetched", "staged", "checked", "intended", "turned", "put", "reloaded", "settled" })
                {
                    points.Add(kind, point);
                }
            }

            return points;
        }
    }

    public void Dispose() => _bed.Dispose();

    internal static ConfigFiles Start(ConfigBed bed, string kind, Action<string>? reached = null) => bed.Start(
        with: file => file with { Kind = Enum.Parse<ConfigKind>(kind), Reload = $"{file.Reload}; ! grep -q ill \"$CLUSTERFS_PATH\"" }, reached: reached);

    [SkippableTheory]
    [MemberData(nameof(Points))]
    public void Killed_anywhere_the_next_start_finishes_the_work(string kind, string point)
    {
        NeedsNamespaces();
        File.WriteAllText(_bed.Target(), "mine\n");
        _bed.Write("one\n");
        ConfigBed.Tend(Start(_bed, kind));
        _bed.Write("two\n");
        Assert.Equal(Killed, Child.Run("use", _bed.Root, kind, point));
        Assert.Contains(Read(kind), new[] { "one\n", "two\n" });
        var next = Start(_bed, kind);
        ConfigBed.Tend(next);
        Assert.True(ConfigBed.StateOf(next).Condition == ConfigCondition.Current, ConfigBed.StateOf(next).Reason);
        Assert.Equal("two\n", Read(kind));
        Assert.Equal("two\n", File.ReadAllLines(_bed.Reloads())[^1] + "\n");
    }

    [SkippableTheory]
    [InlineData("Include", "two")]
    [InlineData("Copy", "two")]
    [InlineData("Link", "two")]
    [InlineData("Include", "ill")]
    [InlineData("Copy", "ill")]
    public void Killed_in_the_middle_it_is_finished_without_shared_storage(string kind, string version)
    {
        NeedsNamespaces();
        _bed.Write("one\n");
        ConfigBed.Tend(Start(_bed, kind));
        _bed.Write(version + "\n");
        Assert.Equal(Killed, Child.Run("use", _bed.Root, kind, "turned"));
        Directory.Move(_bed.Shared, _bed.Shared + ".away");
        var next = Start(_bed, kind);
        ConfigBed.Tend(next);
        var there = version == "ill" ? "one" : version;
        Assert.Equal((there + "\n", there), (Read(kind), File.ReadAllLines(_bed.Reloads())[^1]));
        Directory.Move(_bed.Shared + ".away", _bed.Shared);
        ConfigBed.Tend(next);
        Assert.Equal(version == "ill", ConfigBed.StateOf(next).Rollout!.Rollout.Failure is not null);
    }

    [SkippableTheory]
    [InlineData("Include", "failed")]
    [InlineData("Include", "turned back")]
    [InlineData("Include", "gone back")]
    [InlineData("Copy", "failed")]
    [InlineData("Copy", "turned back")]
    [InlineData("Copy", "gone back")]
    [InlineData("Link", "failed")]
    [InlineData("Link", "gone back")]
    public void Killed_on_the_way_back_it_still_goes_back(string kind, string point)
    {
        NeedsNamespaces();
        _bed.Write("one\n");
        ConfigBed.Tend(Start(_bed, kind));
        _bed.Write("ill\n");
        Assert.Equal(Killed, Child.Run("use", _bed.Root, kind, point));
        var next = Start(_bed, kind);
        ConfigBed.Tend(next);
        Assert.Equal(("one\n", ConfigCondition.Failed), (Read(kind), ConfigBed.StateOf(next).Condition));
        Assert.NotNull(ConfigBed.StateOf(next).Rollout!.Rollout.Failure);
        Assert.Equal("one", File.ReadAllLines(_bed.Reloads())[^1]);
    }

    [SkippableTheory]
    [InlineData("Include", "one\n", "two\n")]
    [InlineData("Copy", "one\n", "two\n")]
    [InlineData("Include", null, "two\n")]
    [InlineData("Copy", null, "two\n")]
    [InlineData("Link", null, "two\n")]
    [InlineData("Include", null, "ill\n")]
    [InlineData("Copy", null, "ill\n")]
    [InlineData("Link", null, "ill\n")]
    public void Killed_at_any_call_that_changes_a_file_it_is_whole_and_is_finished(string kind, string? before, string after)
    {
        NeedsNamespaces();
        const string Calls = "rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,rmdir,mkdir,mkdirat,chmod,fchmod,fsync,fdatasync";
        Skip.IfNot(File.Exists("/usr/bin/strace"), "strace is not installed: apt-get install strace");
        var deaths = 0;
        for (var call = 1; ; call += 1 + (call / 12))
        {
            using var bed = new ConfigBed();
            File.WriteAllText(bed.Target(), "mine\n");
            if (before is not null)
            {
                bed.Write(before);
                ConfigBed.Tend(Start(bed, kind));
            }

            bed.Write(after);
            var code = Child.RunKilledAt(Calls, call, "use", bed.Root, kind, "nowhere");
            var there = Read(bed, kind);
            Assert.True(there is null or "one\n" or "two\n" or "ill\n" or "mine\n", $"at call {call}: {there}");
            var next = Start(bed, kind);
            ConfigBed.Tend(next);
            ConfigBed.Tend(next);
            var state = ConfigBed.StateOf(next);
            if (after == "ill\n")
            {
                Assert.True(state.Condition == ConfigCondition.Failed, $"at call {call}: {state.Condition} {state.Reason}");
                Assert.Equal("mine\n", File.ReadAllText(bed.Target()));
            }
            else
            {
                Assert.True(state.Condition == ConfigCondition.Current, $"at call {call}: {state.Condition} {state.Reason}");
                Assert.Equal(after, Read(bed, kind));
                Assert.True(kind == "Include" ? File.ReadAllText(bed.Target()).StartsWith("mine\n", StringComparison.Ordinal) : state.Kept.Any(kept => File.ReadAllText(kept) == "mine\n"));
            }

            if (code == 0)
            {
                break;
            }

            Assert.Equal(Killed, code);
            deaths++;
        }

        Assert.InRange(deaths, 8, 200);
    }

    private string? Read(string kind) => Read(_bed, kind);

    /// <summary>What the program would read now; null when nothing.</summary>
    private static string? Read(ConfigBed bed, string kind) =>
        kind != "Include" ? (FileStatus.TryRead(bed.Target()) is null ? null : File.ReadAllText(bed.Target()))
        : File.ReadAllText(bed.Target()).Contains(bed.InUse(), StringComparison.Ordinal) ? File.ReadAllText(bed.InUse())
        : null;

    private static void NeedsNamespaces() => Skip.IfNot(StagedCheck.HasNamespaces, "needs root and /usr/bin/unshare, to give a check a view of its own");
}
