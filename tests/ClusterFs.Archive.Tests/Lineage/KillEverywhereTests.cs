using ClusterFs.Archive.Log;
using ClusterFs.Archive.Retention;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>A real SIGKILL at one system call after another that changes anything on a disk, through a whole dump and a whole restore.</summary>
public sealed class KillEverywhereTests : IDisposable
{
    private const string Changes = "write,pwrite64,rename,renameat,renameat2,link,linkat,unlink,fsync,fdatasync,syncfs,ftruncate,mkdir,rmdir,copy_file_range,fallocate";
    private static readonly string[] ChangesInPlace =
    [
        "rename", "renameat", "renameat2", "link", "unlink", "rmdir", "fsync", "syncfs", "ftruncate", "mkdir", "fallocate", "pwrite64", "symlink",
        "chmod", "lchown", "utimensat", "lsetxattr", "lremovexattr", "write", "copy_file_range",
    ];

    private const int Killed = 128 + 9;
    private readonly TestBed _bed = new();

    [SkippableFact]
    public void A_dump_is_in_the_line_whole_or_not_at_all()
    {
        RequireTracing();
        _bed.Write("n1", "page", "first");
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "db"), new byte[3 << 20]);
        _bed.TakeOver("n1", 1);
        var ended = false;
        var kills = 0;
        for (var n = 1; !ended && n < 400; n += 1 + (n / 12))
        {
            _bed.Write("n1", "page", $"state {n}");
            using (var stream = new FileStream(Path.Combine(_bed.Live("n1"), "db"), FileMode.Open))
            {
                stream.Position = n * 4096;
                stream.Write([1, (byte)n]);
            }

            using (var child = Child.KilledAt(Changes, n, "dump", _bed.Shared, _bed.Live("n1"), "n1", "1", "nowhere"))
            {
                var code = child.Wait();
                Assert.Contains(code, (int[])[0, Killed]);
                ended = code == 0;
                kills += code == Killed ? 1 : 0;
            }

            var state = TestBed.Describe(_bed.Live("n1"));
            _ = _bed.On("n1", content => content.Dump(1, CancellationToken.None));
            var dump = _bed.Archive.List(CancellationToken.None).OfType<DumpRecord>().Last();
            var to = _bed.Scratch($"out{n}");
            _bed.Archive.RestoreTo(dump.Content, to, null, CancellationToken.None);
            Assert.Equal(state, TestBed.Describe(to));
            Directory.Delete(to, recursive: true);
        }

        Assert.True(ended && kills > 5, $"{kills} kills, the end of the dump was {(ended ? string.Empty : "not ")}reached");
    }

    [SkippableFact]
    public void A_restore_leaves_the_old_content_or_the_new_one_whole()
    {
        RequireTracing();
        _bed.Write("n1", "page", "old");
        _bed.Write("n1", "same", "same");
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "db"), new byte[3 << 20]);
        var large = new byte[(9 << 20) + 100];
        new Random(1).NextBytes(large);
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "large"), large);
        _bed.TakeOver("n1", 1);
        var old = _bed.Dump("n1", 1);
        _bed.Write("n1", "page", "new");
        large[5 << 20]++;
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "large"), large);
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "db"), [.. Enumerable.Repeat((byte)7, 2 << 20)]);
        var next = _bed.Dump("n1", 1);
        var states = new Dictionary<long, string>();
        foreach (var dump in (DumpRecord[])[old, next])
        {
            _bed.On("n3", content => content.RestoreOver(dump, null, CancellationToken.None));
            states[dump.Slot] = TestBed.Describe(_bed.Live("n3"));
        }

        var ended = false;
        var kills = 0;
        var at = next.Slot;
        for (var n = 1; !ended && n < 400; n += 1 + (n / 12))
        {
            var to = at == next.Slot ? old.Slot : next.Slot;
            using (var child = Child.KilledAt(Changes, n, "restore-over", _bed.Shared, _bed.Live("n3"), "n3", $"{to}"))
            {
                var code = child.Wait();
                Assert.Contains(code, (int[])[0, Killed]);
                ended = code == 0;
                kills += code == Killed ? 1 : 0;
            }

            Assert.Contains(TestBed.Describe(_bed.Live("n3")), states.Values);
            _bed.On("n3", content => content.RestoreOver(to == old.Slot ? old : next, null, CancellationToken.None));
            Assert.Equal(states[to], TestBed.Describe(_bed.Live("n3")));
            at = to;
        }

        Assert.True(ended && kills > 5, $"{kills} kills, the end of the restore was {(ended ? string.Empty : "not ")}reached");
    }

    /// <summary>Shared storage is away when the node comes back.</summary>
    [SkippableFact]
    public void A_restore_in_place_leaves_the_old_content_or_the_new_one_whole()
    {
        RequireTracing();
        var stale = new StaleTree(_bed);
        var (kills, completed, isNew) = (0, 0, false);
        foreach (var call in ChangesInPlace)
        {
            // One call after the other: the tracer counts each by itself. The first ones all, of those after them one in a while.
            var ended = false;
            for (var n = 1; !ended; n += 1 + (n / 6))
            {
                var (to, wanted, before) = isNew ? (stale.Old, stale.OldState, stale.NewState) : (stale.New, stale.NewState, stale.OldState);
                using (var child = Child.KilledAt(call, n, "restore-over", _bed.Shared, _bed.Live("n3"), "n3", $"{to.Slot}"))
                {
                    var code = child.Wait();
                    Assert.Contains(code, (int[])[0, Killed]);
                    ended = code == 0;
                    kills += code == Killed ? 1 : 0;
                }

                // At the live path there is never anything but one of them.
                var found = Directory.Exists(stale.Live) ? stale.State : null;
                Assert.True(found is null || found == wanted || found == before, $"{call} {n}: {found}");
                stale.Recover();
                Assert.Contains(stale.State, (string[])[wanted, before]);
                completed += found != wanted && stale.State == wanted ? 1 : 0;
                stale.Restore(to);
                Assert.Equal(wanted, stale.State);
                isNew = !isNew;
            }
        }

        Assert.True(kills > 40 && completed > 15, $"{kills} kills, after {completed} of them the change was completed");
    }

    [SkippableFact]
    public void A_standby_copy_that_is_called_whole_is()
    {
        RequireTracing();
        _bed.Write("n1", "page", "first");
        File.WriteAllBytes(Path.Combine(_bed.Live("n1"), "db"), new byte[3 << 20]);
        _bed.TakeOver("n1", 1);
        _bed.Write("n1", "dir0/new", "new");
        _bed.Dump("n1", 1);
        _bed.Follow("n2");
        var gone = "dir0";
        var ended = false;
        var kills = 0;
        for (var n = 1; !ended && n < 400; n += 1 + (n / 12))
        {
            _bed.Write("n1", "page", $"state {n}");
            _bed.Write("n1", $"dir{n}/new", "new");
            Directory.Delete(Path.Combine(_bed.Live("n1"), gone), recursive: true);
            gone = $"dir{n}";
            using (var stream = new FileStream(Path.Combine(_bed.Live("n1"), "db"), FileMode.Open))
            {
                stream.Position = n * 4096;
                stream.Write([1, (byte)n]);
            }

            _bed.Dump("n1", 1);
            using (var child = Child.KilledAt(Changes, n, "follow", _bed.Shared, _bed.Live("n2"), "n2", "nowhere"))
            {
                var code = child.Wait();
                Assert.Contains(code, (int[])[0, Killed]);
                ended = code == 0;
                kills += code == Killed ? 1 : 0;
            }

            // Whole already, or made whole now: in both cases it is this dump.
            _bed.Follow("n2");
            Assert.Equal(TestBed.Describe(_bed.Live("n1")), TestBed.Describe(_bed.Standby("n2")));
        }

        Assert.True(ended && kills > 5, $"{kills} kills, the end of following was {(ended ? string.Empty : "not ")}reached");
    }

    [SkippableFact]
    public void Compaction_leaves_every_dump_whole()
    {
        RequireTracing();
        _bed.TakeOver("n1", 1);
        var dumps = new List<DumpRecord>();
        for (var i = 0; i < 40; i++)
        {
            _bed.Write("n1", $"page{i % 3}", $"state {i}");
            dumps.Add(_bed.Dump("n1", 1));
        }

        var before = Directory.GetFiles(_bed.Archive.Root, "*", SearchOption.AllDirectories).ToDictionary(file => file, File.ReadAllBytes);
        var line = _bed.Archive.List(CancellationToken.None);
        var ended = false;
        var kills = 0;
        for (var n = 1; !ended && n < 400; n += 1 + (n / 12))
        {
            using (var child = Child.KilledAt(Changes, n, "compact", _bed.Shared, $"{dumps[^1].Slot}"))
            {
                var code = child.Wait();
                Assert.Contains(code, (int[])[0, Killed]);
                ended = code == 0;
                kills += code == Killed ? 1 : 0;
            }

            RequireWhole();
            if (n % 5 == 0 || ended)
            {
                // Whoever comes next finishes what was begun, and cleans up.
                _bed.Archive.Compact(dumps[^1].Slot, CancellationToken.None);
                RequireWhole();
                Assert.InRange(Directory.GetFiles(_bed.Archive.Layout.Packs).Length, 1, 33);
                Assert.InRange(Directory.GetFileSystemEntries(_bed.Archive.Layout.Log).Length, 1, 31);
            }

            Directory.Delete(_bed.Archive.Root, recursive: true);
            _bed.Archive.Layout.CreateDirectories();
            foreach (var (file, bytes) in before)
            {
                File.WriteAllBytes(file, bytes);
            }
        }

        void RequireWhole()
        {
            var archive = new ServiceArchive(_bed.Shared, TestBed.Service) { Patience = TimeSpan.Zero };
            Assert.Equal(line, archive.List(CancellationToken.None));
            Assert.All(dumps, dump => Assert.Empty(archive.Verify(dump.Content, CancellationToken.None).Damages));
        }

        Assert.True(ended && kills > 5, $"{kills} kills, the end of the compaction was {(ended ? string.Empty : "not ")}reached");
    }

    [SkippableFact]
    public void Pruning_leaves_every_dump_that_stays_whole()
    {
        RequireTracing();
        _bed.TakeOver("n1", 1);
        DumpRecord? newest = null;
        for (var i = 0; i < 40; i++)
        {
            _bed.Write("n1", $"page{i % 3}", $"state {i}");
            newest = _bed.Dump("n1", 1);
        }

        _bed.Archive.Compact(newest!.Slot, CancellationToken.None);
        var before = Directory.GetFiles(_bed.Archive.Root, "*", SearchOption.AllDirectories).ToDictionary(file => file, File.ReadAllBytes);
        var ended = false;
        var kills = 0;
        for (var n = 1; !ended && n < 400; n += 1 + (n / 12))
        {
            using (var child = Child.KilledAt(Changes, n, "prune", _bed.Shared, "5"))
            {
                var code = child.Wait();
                Assert.Contains(code, (int[])[0, Killed]);
                ended = code == 0;
                kills += code == Killed ? 1 : 0;
            }

            var archive = new ServiceArchive(_bed.Shared, TestBed.Service) { Patience = TimeSpan.Zero, PruneGrace = TimeSpan.Zero };
            RequireWhole(archive);
            _ = archive.Prune(new RetentionPolicy(5, 0, 0, 0, 0, 0), 1, CancellationToken.None);
            Assert.Equal(5, RequireWhole(archive));
            Directory.Delete(_bed.Archive.Root, recursive: true);
            _bed.Archive.Layout.CreateDirectories();
            foreach (var (file, bytes) in before)
            {
                File.WriteAllBytes(file, bytes);
            }
        }

        Assert.True(ended && kills > 5, $"{kills} kills, the end of the prune was {(ended ? string.Empty : "not ")}reached");

        static int RequireWhole(ServiceArchive archive)
        {
            var dumps = archive.List(CancellationToken.None).OfType<DumpRecord>().ToList();
            Assert.All(dumps, dump => Assert.Empty(archive.Verify(dump.Content, CancellationToken.None).Damages));
            return dumps.Count;
        }
    }

    public void Dispose() => _bed.Dispose();

    private static void RequireTracing()
    {
        var installed = (Environment.GetEnvironmentVariable("PATH") ?? string.Empty).Split(':').Any(one => File.Exists(Path.Combine(one, "strace")));
        Skip.IfNot(installed, "strace, which kills the process at a system call, is not installed (Debian: apt-get install strace)");
    }
}
