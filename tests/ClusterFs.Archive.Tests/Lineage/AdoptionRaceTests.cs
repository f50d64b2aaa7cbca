using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Retention;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>Adoptions beside everything else that goes on, and after what a crash left of one.</summary>
public sealed class AdoptionRaceTests : IDisposable
{
    private readonly TestBed _bed = new();

    private string Divergent => _bed.Archive.Layout.Divergent;

    /// <summary>Whoever deletes has read the line, hangs on the storage until every mark is old, and finds the content gone from the list.</summary>
    [Fact]
    public void What_was_adopted_while_a_sweep_slept_is_not_deleted()
    {
        var kept = _bed.LoseWritesOfN1();
        DumpRecord? adopted = null;
        var behindTheLine = new SlotRuns(_bed.Archive.Layout)
        {
            TryOpen = _ =>
            {
                if (adopted is null)
                {
                    adopted = _bed.Archive.Adopt(kept, CancellationToken.None);
                    foreach (var mark in Directory.GetFiles(_bed.Archive.Layout.Readers))
                    {
                        FileAttribution.SetModified(mark, FileStatus.TryRead(mark)!.Value.ModifiedNs - (11L * 60 * 1_000_000_000));
                    }
                }

                return null;
            },
        };
        var sleeper = new ServiceArchive(_bed.Shared, TestBed.Service)
        {
            Log = new SlotLog(_bed.Archive.Layout, TestBed.Service) { Runs = behindTheLine },
            Patience = TimeSpan.Zero,
        };

        _ = new Sweep(sleeper, TimeSpan.Zero).Run(CancellationToken.None);

        Assert.Empty(_bed.Archive.Verify(adopted!.Content, CancellationToken.None).Damages);
    }

    /// <summary>The crash kept it in the list; meanwhile the service went on from it.</summary>
    [Fact]
    public void It_is_adopted_once_even_if_a_crash_left_it_in_the_list()
    {
        var kept = _bed.LoseWritesOfN1();
        AdoptAndCrashBeforeTheListKnows(kept);
        _bed.TakeOver("n2", 3);
        _bed.Write("n2", "page", "went on");
        Assert.Equal(7, _bed.Dump("n2", 3).Slot);

        var refused = Assert.Throws<LocalContentException>(() => _bed.Archive.Adopt(kept, CancellationToken.None));

        Assert.Contains("#5", refused.Message, StringComparison.Ordinal);
        Assert.Empty(_bed.Archive.ListDivergent(CancellationToken.None));
        _bed.Write("n2", "page", "and on");
        Assert.Equal(8, _bed.Dump("n2", 3).Slot);
    }

    [Theory]
    [InlineData("captured", false)]
    [InlineData("pack published", false)]
    [InlineData("pack published", true)]
    public void A_dump_under_way_is_superseded_and_what_it_held_is_kept(string at, bool prunedToo)
    {
        var kept = _bed.LoseWritesOfN1();
        _bed.Write("n2", "page", "under way");

        var ended = _bed.On("n2", content => content.Dump(2, CancellationToken.None), point =>
        {
            if (point == at)
            {
                if (prunedToo)
                {
                    AppendPrune();
                }

                _bed.Archive.Adopt(kept, CancellationToken.None);
            }
        });

        Assert.Equal(kept.Id, ((DumpRecord)Assert.IsType<DumpResult.Superseded>(ended).By).Adopts);
        var ready = _bed.TakeOver("n2", 3);
        Assert.Equal((ContentBasis.Restored, "lost"), (ready.Basis, _bed.Read("n2", "page")));
        Assert.Equal("under way", File.ReadAllText(Path.Combine(_bed.Restored(ready.Kept!.Content), "page")));
    }

    [Theory]
    [InlineData("claimed")]
    [InlineData("restored")]
    [InlineData("announced")]
    [InlineData("swapped")]
    public void A_takeover_under_way_is_finished_by_it_at_its_next_step_whether_it_crashes_or_not(string at)
    {
        foreach (var crashes in (bool[])[false, true])
        {
            using var bed = new TestBed();
            var kept = bed.LoseWritesOfN1();
            bed.Write("n3", "page", "from somewhere else");
            try
            {
                bed.On("n3", content => content.TakeOver(3, null, CancellationToken.None), point =>
                {
                    if (point == at)
                    {
                        bed.Archive.Adopt(kept, CancellationToken.None);
                        if (crashes)
                        {
                            throw new InvalidOperationException("crash");
                        }
                    }
                });
            }
            catch (InvalidOperationException)
            {
            }

            var again = bed.On("n3", content => content.TakeOver(3, null, CancellationToken.None));
            Assert.Equal(kept.Id, ((DumpRecord)Assert.IsType<TakeOverResult.Superseded>(again).By).Adopts);
            bed.TakeOver("n3", 4);
            Assert.Equal("lost", bed.Read("n3", "page"));
            bed.Write("n3", "page", "on");
            bed.Dump("n3", 4);
        }
    }

    /// <summary>The crash keeps the owner's own dump from its marker, and the adoption stands behind that one.</summary>
    [Fact]
    public void It_stands_behind_a_dump_that_its_owner_does_not_know_of()
    {
        var kept = _bed.LoseWritesOfN1();
        _bed.Write("n2", "page", "unheard");
        Assert.Throws<InvalidOperationException>(() => _bed.On(
            "n2",
            content => content.Dump(2, CancellationToken.None),
            point => _ = point == "committed" ? throw new InvalidOperationException("crash") : 0));
        Assert.Equal(6, _bed.Archive.Adopt(kept, CancellationToken.None).Slot);

        var ready = _bed.TakeOver("n2", 3);

        Assert.Equal((ContentBasis.Restored, "lost"), (ready.Basis, _bed.Read("n2", "page")));
        Assert.Equal("unheard", File.ReadAllText(Path.Combine(_bed.Restored(((DumpRecord)_bed.Archive.List(CancellationToken.None)[4]).Content), "page")));
    }

    [Fact]
    public void Many_at_once_make_one_line()
    {
        var first = _bed.LoseWritesOfN1();
        _bed.Write("n3", "page", "third");
        _bed.TakeOver("n3", 3);
        _bed.Write("n3", "page", "third, lost");
        _bed.TakeOver("n2", 4);
        var second = _bed.On("n3", content => content.KeepDivergent("test", CancellationToken.None))!;

        Parallel.For(0, 8, i =>
        {
            try
            {
                new ServiceArchive(_bed.Shared, TestBed.Service).Adopt(i % 2 == 0 ? first : second, CancellationToken.None);
            }
            catch (LocalContentException)
            {
            }
        });

        var adopted = _bed.Archive.List(CancellationToken.None).OfType<DumpRecord>().Where(dump => dump.Adopts is not null).Select(dump => dump.Adopts!).ToList();
        Assert.Equal(adopted.Distinct().Count(), adopted.Count);
        Assert.Equal(2, adopted.Count);
        Assert.DoesNotContain(_bed.Archive.ListDivergent(CancellationToken.None), kept => kept == first || kept == second);
    }

    [Fact]
    public void It_is_folded_like_any_slot()
    {
        var kept = _bed.LoseWritesOfN1();
        _bed.Archive.Adopt(kept, CancellationToken.None);
        _bed.TakeOver("n2", 3);
        for (var i = 0; i < 40; i++)
        {
            _bed.Write("n2", "page", $"{i}");
            _bed.Dump("n2", 3);
        }

        _bed.Archive.Compact(46, CancellationToken.None);

        Assert.False(File.Exists(_bed.Archive.Log.FileOf(5)));
        Assert.Equal(kept.Id, ((DumpRecord)new ServiceArchive(_bed.Shared, TestBed.Service).List(CancellationToken.None)[4]).Adopts);
        Assert.IsType<DumpResult.Superseded>(_bed.On("n1", content => content.Dump(1, CancellationToken.None)));
    }

    /// <summary>It was kept as it lay there and is found equal: what only the log has must be in the next dump all the same.</summary>
    [Fact]
    public void The_node_that_holds_it_dumps_its_database_with_what_only_the_log_had()
    {
        _bed.TakeOver("n1", 1);
        Directory.CreateDirectory(_bed.Live("n1"));
        var database = Path.Combine(_bed.Live("n1"), "db");
        using (var writer = Open(database))
        {
            Execute(writer, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
            _bed.Dump("n1", 1);
            Execute(writer, "INSERT INTO t VALUES (2)");
            foreach (var file in (string[])[database, database + "-wal"])
            {
                File.Copy(file, _bed.Scratch(Path.GetFileName(file)));
            }
        }

        foreach (var file in (string[])[database, database + "-wal"])
        {
            File.Copy(_bed.Scratch(Path.GetFileName(file)), file, overwrite: true);
        }

        _bed.TakeOver("n2", 2);
        _bed.Archive.Adopt(_bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None))!, CancellationToken.None);
        Assert.Equal(ContentBasis.EqualToHead, _bed.TakeOver("n1", 3).Basis);
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n1", content => content.Dump(3, CancellationToken.None)));
        _bed.Write("n1", "other", "changed");
        var dump = _bed.Dump("n1", 3);

        _bed.Archive.RestoreTo(dump.Content, _bed.Scratch("out"), null, CancellationToken.None);
        Assert.False(File.Exists(Path.Combine(_bed.Scratch("out"), "db-wal")));
        using var reader = Open(Path.Combine(_bed.Scratch("out"), "db"));
        using var command = reader.CreateCommand();
        command.CommandText = "SELECT group_concat(x) FROM t";
        Assert.Equal("1,2", command.ExecuteScalar());
    }

    /// <summary>Its link was made, and the call died: were only the end of the divergent record durable, a power cut would take both.</summary>
    [Fact]
    public void A_second_call_makes_the_record_durable_before_it_leaves_the_list()
    {
        var kept = _bed.LoseWritesOfN1();
        AdoptAndCrashBeforeTheListKnows(kept);
        var gone = Path.Combine(Divergent, $"{kept.Id}.gone");
        var goneAtSync = new List<bool>();
        var again = new ServiceArchive(_bed.Shared, TestBed.Service)
        {
            Log = new SlotLog(_bed.Archive.Layout, TestBed.Service) { SyncDirectory = _ => goneAtSync.Add(File.Exists(gone)) },
        };

        Assert.Equal(5, again.Adopt(kept, CancellationToken.None).Slot);

        Assert.Equal([false], goneAtSync);
        Assert.True(File.Exists(gone));
    }

    /// <summary>An earlier call saw an old picture, took a slot whose name had been freed, and died before it found out. The same old picture is seen again.</summary>
    [Fact]
    public void A_record_under_a_freed_name_does_not_pass_for_an_adoption()
    {
        var kept = _bed.LoseWritesOfN1();
        for (var i = 0; i < 40; i++)
        {
            _bed.Write("n2", "page", $"{i}");
            _bed.Dump("n2", 2);
        }

        var log = _bed.Archive.Log;
        var old = Enumerable.Range(1, 4).Select(slot => (File: log.FileOf(slot), Bytes: File.ReadAllBytes(log.FileOf(slot)))).ToList();
        _bed.Archive.Compact(44, CancellationToken.None);
        Assert.False(File.Exists(log.FileOf(5)));
        old.ForEach(slot => File.WriteAllBytes(slot.File, slot.Bytes));
        File.WriteAllBytes(log.FileOf(5), RecordFormat.Write(
            new DumpRecord(TestBed.Service, 5, Guid.NewGuid().ToString("N"), 2, "n2", default, kept.Content) { Adopts = kept.Id }));
        var proven = false;
        var blind = new ServiceArchive(_bed.Shared, TestBed.Service)
        {
            Log = new SlotLog(_bed.Archive.Layout, TestBed.Service)
            {
                HighestListed = () => proven ? 44 : 5,
                Runs = new SlotRuns(_bed.Archive.Layout)
                {
                    IsFree = name =>
                    {
                        proven = true;
                        return !File.Exists(name);
                    },
                    TryOpen = file => proven && File.Exists(file) ? File.ReadAllBytes(file) : null,
                },
            },
        };

        Assert.Equal(45, blind.Adopt(kept, CancellationToken.None).Slot);
        _bed.TakeOver("n3", 3);
        Assert.Equal("lost", _bed.Read("n3", "page"));
    }

    public void Dispose() => _bed.Dispose();

    private static SqliteConnection Open(string database)
    {
        var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private void AdoptAndCrashBeforeTheListKnows(DivergentRecord kept)
    {
        var file = Path.Combine(Divergent, $"{kept.Id}.json");
        File.Copy(file, _bed.Scratch("record"));
        _bed.Archive.Adopt(kept, CancellationToken.None);
        File.Delete(Path.ChangeExtension(file, ".gone"));
        File.Move(_bed.Scratch("record"), file);
    }

    private void AppendPrune()
    {
        var newest = _bed.Archive.Log.ReadFrom(1, CancellationToken.None).Last();
        var record = new PruneRecord(
            TestBed.Service, newest.Slot + 1, Guid.NewGuid().ToString("N"), newest.Epoch, newest.Node, _bed.Archive.Now, [new SlotRange(1, 1)]);
        Assert.Equal(record.Nonce, _bed.Archive.Log.Append(record, CancellationToken.None).Nonce);
    }
}
