using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;

namespace ClusterFs.Archive.Tests.Capture;

public sealed class CommandCaptureTests : IDisposable
{
    private const string CopyAll = "cp -R \"$CLUSTERFS_PATH\"/. \"$CLUSTERFS_TARGET\"";
    private readonly TestBed _bed = new();

    public CommandCaptureTests()
    {
        _bed.Write("n1", "sub/page", "content");
        _bed.TakeOver("n1", 1);
    }

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void What_the_command_wrote_is_the_dump_and_the_copy_is_gone_afterwards()
    {
        var dump = _bed.Dump("n1", Command("mkdir sub && echo \"$CLUSTERFS_SERVICE $CLUSTERFS_NODE $CLUSTERFS_EPOCH\" > sub/written && test $PWD = $CLUSTERFS_TARGET"));

        Assert.Equal("wiki n1 1\n", File.ReadAllText(Path.Combine(_bed.Restored(dump.Record), "sub/written")));
        Assert.Equal(["sub", "sub/written"], _bed.Archive.ReadEntries(dump.Record.Content).Select(entry => entry.Path));
        Assert.Equal("1 file: as the capture command wrote them", dump.Guarantee);
        Assert.Empty(Scratch);
    }

    [Fact]
    public void A_copy_that_is_like_the_one_before_is_unchanged_though_its_files_are_new()
    {
        File.SetUnixFileMode(_bed.Live("n1"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var first = _bed.Dump("n1", Command(CopyAll)).Record;
        using var content = _bed.Open("n1", Command(CopyAll));

        Assert.Equal(first, Assert.IsType<DumpResult.Unchanged>(content.Dump(1, CancellationToken.None)).Last);
        Assert.Empty(Scratch);
    }

    [Fact]
    public void What_a_changed_copy_adds_is_what_changed()
    {
        var random = new byte[8 << 20];
        new Random(1).NextBytes(random);
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "big"), random);
        for (var i = 0; i < 200; i++)
        {
            File.WriteAllBytes(Path.Combine(_bed.Live("n1"), $"small{i}"), random[(i * 8192)..((i + 1) * 8192)]);
        }

        var first = _bed.Dump("n1", Command(CopyAll));
        random[5 << 20] ^= 1;
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "big"), random);
        _bed.Write("n1", "small7", "rewritten");

        var second = _bed.Dump("n1", Command(CopyAll));

        Assert.True(first.StoredBytes > random.Length);
        Assert.InRange(second.StoredBytes, 1, 32 << 10);
        Assert.Equal(random, File.ReadAllBytes(Path.Combine(_bed.Restored(second.Record), "big")));
    }

    [Fact]
    public void Nothing_is_unchanged_before_the_command_has_said_so()
    {
        File.Delete(Path.Combine(_bed.Live("n1"), "sub/page"));
        _bed.Dump("n1", Command("mkdir sub"));

        var dump = _bed.Dump("n1", Command("mkdir sub && echo of memory > sub/only"));

        Assert.Contains("sub/only", _bed.Archive.ReadEntries(dump.Record.Content).Select(entry => entry.Path));
    }

    [Theory]
    [InlineData("echo half > half; echo 'connection refused' >&2; exit 4", 60, "exit code 4: connection refused")]
    [InlineData("true", 60, "wrote nothing into $CLUSTERFS_TARGET")]
    [InlineData("echo half > half; sleep 300", 0.5, "no end after 0.5 s, killed")]
    public void A_command_that_fails_commits_nothing_and_leaves_nothing(string command, double limit, string expected)
    {
        using var content = _bed.Open("n1", new CaptureSettings(CaptureMode.Command) { Command = new CaptureCommand(command, TimeSpan.FromSeconds(limit)) });

        var error = Assert.Throws<LocalContentException>(() => content.Dump(1, CancellationToken.None));

        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.Empty(_bed.Archive.List(CancellationToken.None).OfType<DumpRecord>());
        Assert.Empty(Scratch);
    }

    [Fact]
    public void A_copy_that_outlived_its_dumper_is_ended_and_deleted()
    {
        var process = _bed.Scratch("process");
        using (var child = new Child(
            "dump-commanded", _bed.Shared, _bed.Live("n1"), "nowhere", $"echo $$ > {process}; while :; do echo x > $(date +%N); done"))
        {
            // Files come and go beside it.
            Await.That(() => Directory.EnumerateDirectories(ScratchDirectory).Any(copy => Directory.EnumerateFiles(copy).Any()), "the copy is being written");
            child.Kill();
        }

        using var content = _bed.Open("n1", Command(CopyAll));
        Assert.False(Await.IsAlive(File.ReadAllText(process)));
        Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));
        Assert.Empty(Scratch);
    }

    [Fact]
    public void Live_content_that_is_not_what_the_command_wrote_is_kept_before_it_is_replaced()
    {
        _bed.Dump("n1", Command("echo logical > export"));
        _bed.TakeOver("n2", 2);
        _bed.Dump("n2", Command("echo other > export"));

        var taken = Assert.IsType<TakeOverResult.Ready>(
            _bed.Open("n1", Command("false")).TakeOver(3, null, CancellationToken.None));

        Assert.Equal(ContentBasis.Restored, taken.Basis);
        Assert.Equal(["sub", "sub/page"], _bed.Archive.ReadEntries(taken.Kept!.Content).Select(entry => entry.Path));
        Assert.Equal("other\n", _bed.Read("n1", "export"));
    }

    [Fact]
    public void A_node_that_takes_over_from_itself_goes_on_with_its_own_files()
    {
        _bed.Dump("n1", Command("echo logical > export"));

        Assert.Equal(ContentBasis.KeptByLineage, _bed.TakeOver("n1", 2).Basis);
        Assert.Equal("content", _bed.Read("n1", "sub/page"));
    }

    [Fact]
    public void Of_a_service_that_has_ended_the_files_are_taken_and_nothing_is_divergent_after_a_move()
    {
        _bed.Dump("n1", Command(CopyAll));
        _bed.Write("n1", "sub/page", "written at the end");

        var dump = _bed.Dump("n1", Command("false"), ended: true);

        Assert.Equal("1 file: as they lay there, with no writer running", dump.Guarantee);
        _bed.TakeOver("n2", 2);
        Assert.Equal("written at the end", _bed.Read("n2", "sub/page"));
        using var content = _bed.Open("n1", Command(CopyAll));
        Assert.Null(content.KeepDivergent("n2 took over", CancellationToken.None));
    }

    [Fact]
    public void At_risk_is_what_changed_since_the_command_began()
    {
        using var content = _bed.Open("n1", Command(CopyAll));
        Assert.True(content.AtRisk().Changed);
        content.Dump(1, CancellationToken.None);
        Assert.Equal(new RiskEstimate(false, 0, 0), content.AtRisk());
        _bed.Write("n1", "new", "12345");
        Assert.Equal(new RiskEstimate(true, 1, 5), content.AtRisk());
        content.Dump(1, CancellationToken.None, ended: true);
        Assert.Equal(new RiskEstimate(false, 0, 0), content.AtRisk());
    }

    [Fact]
    public void Of_the_live_files_the_index_of_a_copy_says_nothing()
    {
        _bed.Dump("n1", Command(CopyAll));
        var rows = LocalIndex.TryOpen(Path.Combine(_bed.MarkerOf("n1"), "index"))!.Read().ToList();
        Assert.Equal(["sub", "sub/page"], rows.Select(row => row.Entry.Path));
        Assert.All(rows, row => Assert.Equal((default, false), (row.Identity, row.Settled)));
    }

    [Fact]
    public void What_changes_while_the_command_runs_is_at_risk()
    {
        using var content = _bed.Open("n1", Command($"{CopyAll} && echo later > \"$CLUSTERFS_PATH/sub/page\""));
        content.Dump(1, CancellationToken.None);
        Assert.True(content.AtRisk().Changed);
    }

    private string ScratchDirectory => Path.Combine(_bed.MarkerOf("n1"), "scratch");

    private IEnumerable<string> Scratch => Directory.EnumerateFileSystemEntries(ScratchDirectory);

    private static CaptureSettings Command(string command) => new(CaptureMode.Command) { Command = new CaptureCommand(command, TimeSpan.FromSeconds(60)) };
}
