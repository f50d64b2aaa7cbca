using System.Globalization;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>Processes that come to a large file while it is changed in place: what they do to it is never taken for content.</summary>
public sealed class ChangeInPlaceStragglerTests : IDisposable
{
    private const int Mebibyte = 1 << 20;
    private readonly TestBed _bed = new();
    private readonly DumpRecord _old;
    private readonly DumpRecord _new;
    private readonly string _newState;

    public ChangeInPlaceStragglerTests()
    {
        var bytes = new byte[6 * Mebibyte];
        new Random(1).NextBytes(bytes);
        Directory.CreateDirectory(Path.GetDirectoryName(Db("n1"))!);
        File.WriteAllBytes(Db("n1"), bytes);
        _bed.Write("n1", "same", "same");
        _bed.TakeOver("n1", 1);
        _old = _bed.Dump("n1", 1);
        foreach (var place in (int[])[5000, 2 * Mebibyte, 4 * Mebibyte])
        {
            Change(Db("n1"), place, "new");
        }

        _new = _bed.Dump("n1", 1);
        _newState = TestBed.Describe(_bed.Live("n1"));
        Restore(_old);
    }

    private string Away => Path.Combine(_bed.MarkerOf("n3"), "changing", "tree", "in", "db");

    /// <summary>It waits in its open until this process lets go of the file, and must then have the old one. Before the change has begun, it is given up.</summary>
    [Theory]
    [InlineData("moved away", false)]
    [InlineData("begun", true)]
    public async Task Whoever_waits_for_a_file_that_is_about_to_be_changed_gets_the_old_one(string point, bool inPlace)
    {
        Task<FileStream>? waiting = null;
        var tree = InodeOf(_bed.Live("n3"));
        Restore(_new, point, () =>
        {
            waiting = Task.Factory.StartNew(
                () => new FileStream(Away, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite), TaskCreationOptions.LongRunning);
            AwaitWaiting(InodeOf(Away));
        });
        using (var straggler = await waiting!.WaitAsync(TimeSpan.FromSeconds(60)))
        {
            straggler.Position = Mebibyte;
            straggler.Write("of the old service"u8);
        }

        // The time of its directory too, in which it was replaced.
        Assert.Equal(_newState, TestBed.Describe(_bed.Live("n3")));
        Assert.Equal(inPlace, tree == InodeOf(_bed.Live("n3")));
    }

    /// <summary>Nothing was known of it by its identity, so it was read.</summary>
    [Fact]
    public void A_file_that_is_written_after_it_was_found_right_is_read_by_the_next_dump()
    {
        var same = Path.Combine(_bed.Live("n3"), "same");
        FileAttribution.SetMode(same, 0x180);
        FileAttribution.SetMode(same, FileStatus.TryRead(Path.Combine(_bed.Live("n1"), "same"))!.Value.Mode);
        new FileSystemClock(_bed.Root).WaitUntilSettled(CancellationToken.None);
        var tree = InodeOf(_bed.Live("n3"));
        var modified = File.GetLastWriteTimeUtc(same);
        _bed.On(
            "n3",
            content => content.TakeOver(2, null, CancellationToken.None),
            reached =>
            {
                if (reached == "planned")
                {
                    File.WriteAllText(same, "SAME");
                    File.SetLastWriteTimeUtc(same, modified);
                }
            },
            limitsOf: TestBed.AlwaysInPlace);

        Assert.Equal(tree, InodeOf(_bed.Live("n3")));
        Assert.Equal("SAME", File.ReadAllText(Path.Combine(_bed.Restored(_bed.Dump("n3", 2)), "same")));
    }

    [Fact]
    public void A_takeover_says_why_another_tree_was_built() => Assert.Contains(
        ", as a new tree: too much of it differs", _bed.TakeOver("n3", 2, TestBed.NeverInPlace).Explanation, StringComparison.Ordinal);

    [Fact]
    public void A_file_that_is_not_what_it_was_when_all_is_staged_is_not_changed_in_place()
    {
        var tree = InodeOf(_bed.Live("n3"));
        Restore(_new, "planned", () => FileAttribution.SetMode(Db("n3"), 0x180));

        Assert.Equal(_newState, TestBed.Describe(_bed.Live("n3")));
        Assert.NotEqual(tree, InodeOf(_bed.Live("n3")));
    }

    /// <summary>
    /// A process that is being started has what is open here until it runs its own program: the leases of a change that was cut short, for one. Others have
    /// leases of their own, a file server for its clients.
    /// </summary>
    [Fact]
    public async Task A_change_that_goes_on_waits_for_who_has_a_lease_on_a_file()
    {
        Assert.Throws<OperationCanceledException>(() => Restore(_new, "begun", () => throw new OperationCanceledException()));
        using var leased = TestBed.OpenAlone(Away);
        var inode = InodeOf(Away);
        var goingOn = Task.Factory.StartNew(Recover, TaskCreationOptions.LongRunning);
        AwaitWaiting(inode);
        leased.Dispose();

        // No copy of it was made: for one that is large there may be no room.
        await goingOn.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(_newState, TestBed.Describe(_bed.Live("n3")));
        Assert.Equal(inode, InodeOf(Db("n3")));
    }

    /// <summary>Bytes that no statement of the plan speaks of: without a look at them they would count for the new content.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_was_written_to_a_file_before_its_change_went_on_is_found_and_named(bool stillOpen)
    {
        Assert.Throws<OperationCanceledException>(() => Restore(_new, "changed", () => throw new OperationCanceledException()));
        Change(Away, 3 * Mebibyte, "of somebody");
        using var open = stillOpen ? File.OpenRead(Away) : null;

        for (var i = 0; i < 2; i++)
        {
            var refused = Assert.Throws<LocalContentException>(Recover);
            Assert.Contains(Away, refused.Message, StringComparison.Ordinal);
            Assert.False(Directory.Exists(_bed.Live("n3")));
        }
    }

    public void Dispose() => _bed.Dispose();

    private static ulong InodeOf(string path) => FileStatus.TryRead(path)!.Value.Inode;

    private static void Change(string file, long place, string text)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        stream.Position = place;
        stream.Write(System.Text.Encoding.ASCII.GetBytes(text));
    }

    /// <summary>Whoever only asks for it, and does not wait, has the kernel call the lease broken as well.</summary>
    private static void AwaitWaiting(ulong inode)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $":{inode} ");
        Await.That(
            () =>
            {
                var locks = File.ReadAllLines("/proc/locks");
                return locks.FirstOrDefault(line => line.Contains("BREAKING", StringComparison.Ordinal) && line.Contains(name, StringComparison.Ordinal)) is { } lease
                    && locks.Any(line => line.StartsWith($"{lease.Split(' ')[0]} -> ", StringComparison.Ordinal));
            },
            "somebody waits for the file");
    }

    private string Db(string node) => Path.Combine(_bed.Live(node), "in", "db");

    private void Recover() => _bed.On("n3", content =>
    {
        content.DropStandby(CancellationToken.None);
        return true;
    });

    private void Restore(DumpRecord dump, string? point = null, Action? atPoint = null) => _bed.On(
        "n3",
        content => content.RestoreOver(dump, null, CancellationToken.None),
        reached =>
        {
            if (reached == point)
            {
                atPoint!();
            }
        },
        limitsOf: TestBed.AlwaysInPlace);
}
