using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Retention;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>Kept content that somebody makes the head of the line.</summary>
public sealed class AdoptionTests : IDisposable
{
    private readonly TestBed _bed = new();

    [Fact]
    public void The_next_takeover_starts_from_it_and_what_it_replaces_is_kept()
    {
        var kept = _bed.LoseWritesOfN1();
        _bed.Write("n2", "page", "by n2, never dumped");

        var adopted = _bed.Archive.Adopt(kept, CancellationToken.None);

        Assert.Equal((5L, 2L, "n2", kept.Id), (adopted.Slot, adopted.Epoch, adopted.Node, adopted.Adopts));
        Assert.Empty(_bed.Archive.ListDivergent(CancellationToken.None));
        var refused = Assert.IsType<DumpResult.Superseded>(_bed.On("n2", content => content.Dump(2, CancellationToken.None)));
        Assert.Equal($"{kept.Id} was adopted", refused.By.Event);

        var ready = _bed.TakeOver("n2", 3);
        Assert.Equal((ContentBasis.Restored, 5L), (ready.Basis, ready.Head!.Slot));
        Assert.Equal("lost", _bed.Read("n2", "page"));
        Assert.Equal("by n2, never dumped", File.ReadAllText(Path.Combine(_bed.Restored(ready.Kept!.Content), "page")));
        Assert.IsType<DumpResult.Unchanged>(_bed.On("n2", content => content.Dump(3, CancellationToken.None)));
        _bed.Write("n2", "page", "and on");
        Assert.Equal(7, _bed.Dump("n2", 3).Slot);
    }

    /// <summary>It stands right behind the owner's newest dump, where a dump whose success was not heard of would stand.</summary>
    [Fact]
    public void It_does_not_pass_for_a_dump_of_the_owners_own()
    {
        var kept = _bed.LoseWritesOfN1();
        _bed.Archive.Adopt(kept, CancellationToken.None);

        var ready = _bed.TakeOver("n2", 3);

        Assert.Equal((ContentBasis.Restored, null), (ready.Basis, ready.Kept));
        Assert.Equal("lost", _bed.Read("n2", "page"));
    }

    [Fact]
    public void A_node_that_takes_over_again_under_the_epoch_is_finished()
    {
        var kept = _bed.LoseWritesOfN1();
        _bed.Archive.Adopt(kept, CancellationToken.None);

        Assert.IsType<TakeOverResult.Superseded>(_bed.On("n2", content => content.TakeOver(2, null, CancellationToken.None)));
        Assert.Equal("by n2", _bed.Read("n2", "page"));
    }

    [Fact]
    public void The_node_that_holds_it_starts_on_what_it_has()
    {
        var kept = _bed.LoseWritesOfN1();
        _bed.Archive.Adopt(kept, CancellationToken.None);

        var ready = _bed.TakeOver("n1", 3);

        Assert.Equal((ContentBasis.EqualToHead, null), (ready.Basis, ready.Kept));
        Assert.Null(_bed.On("n2", content => content.KeepDivergent("n2 is back", CancellationToken.None)));
    }

    [Fact]
    public void A_second_call_after_a_crash_between_record_and_list_adds_nothing()
    {
        var kept = _bed.LoseWritesOfN1();
        var file = Path.Combine(_bed.Archive.Root, "divergent", $"{kept.Id}.json");
        File.Copy(file, _bed.Scratch("record"));
        var first = _bed.Archive.Adopt(kept, CancellationToken.None);
        File.Delete(Path.ChangeExtension(file, ".gone"));
        File.Copy(_bed.Scratch("record"), file);

        Assert.Equal(first.Slot, _bed.Archive.Adopt(kept, CancellationToken.None).Slot);

        Assert.Empty(_bed.Archive.ListDivergent(CancellationToken.None));
        Assert.Equal(5, _bed.Archive.List(CancellationToken.None).Count);
        Assert.Throws<LocalContentException>(() => _bed.Archive.Adopt(kept, CancellationToken.None));
    }

    [Fact]
    public void Damaged_content_is_not_adopted()
    {
        var kept = _bed.LoseWritesOfN1();
        var pack = _bed.PackOf(kept.Content);
        TestBed.FlipBit(pack, 20);

        Assert.Throws<DamagedArchiveException>(() => _bed.Archive.Adopt(kept, CancellationToken.None));

        Assert.Equal(4, _bed.Archive.List(CancellationToken.None).Count);
        Assert.Single(_bed.Archive.ListDivergent(CancellationToken.None));
    }

    [Fact]
    public void It_outlives_whatever_is_pruned_around_it()
    {
        var kept = _bed.LoseWritesOfN1();
        _bed.Archive.Adopt(kept, CancellationToken.None);
        _bed.TakeOver("n2", 3);
        _bed.Write("n2", "more", "of it");
        _bed.Dump("n2", 3);
        var atOnce = new ServiceArchive(_bed.Shared, TestBed.Service) { PruneGrace = TimeSpan.Zero, Patience = TimeSpan.Zero };

        _ = atOnce.Prune(new RetentionPolicy(1, 0, 0, 0, 0, 0), 1, CancellationToken.None);
        _ = atOnce.Prune(new RetentionPolicy(1, 0, 0, 0, 0, 0), 1, CancellationToken.None);

        _bed.TakeOver("n3", 4);
        Assert.Equal(("lost", "of it"), (_bed.Read("n3", "page"), _bed.Read("n3", "more")));
        Assert.All(atOnce.List(CancellationToken.None).OfType<DumpRecord>(), dump => Assert.Empty(atOnce.Verify(dump.Content, CancellationToken.None).Damages));
    }

    /// <summary>It was kept with its write-ahead log, as it lay there; the next dump is taken by SQLite and has to hold what only the log has.</summary>
    [Fact]
    public void A_database_with_a_hot_log_goes_on_with_all_that_it_had()
    {
        _bed.TakeOver("n1", 1);
        var database = Path.Combine(_bed.Live("n1"), "db");
        Directory.CreateDirectory(_bed.Live("n1"));
        using (var writer = Open(database))
        {
            Execute(writer, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (x); INSERT INTO t VALUES (1)");
            _bed.Dump("n1", 1);
            _bed.TakeOver("n2", 2);
            Execute(writer, "INSERT INTO t VALUES (2)");

            // As a crash leaves them: a writer that is closed checkpoints.
            foreach (var file in Directory.GetFiles(_bed.Live("n1")))
            {
                File.Copy(file, _bed.Scratch(Path.GetFileName(file)));
            }
        }

        foreach (var name in (string[])["db", "db-wal"])
        {
            File.Copy(_bed.Scratch(name), Path.Combine(_bed.Live("n1"), name), overwrite: true);
        }

        var kept = _bed.On("n1", content => content.KeepDivergent("test", CancellationToken.None))!;
        _bed.Archive.Adopt(kept, CancellationToken.None);
        _bed.TakeOver("n2", 3);
        Assert.True(new FileInfo(Path.Combine(_bed.Live("n2"), "db-wal")).Length > 0);
        _bed.Write("n2", "other", "changed");
        var dump = _bed.Dump("n2", 3);

        _bed.Archive.RestoreTo(dump.Content, _bed.Scratch("out"), null, CancellationToken.None);
        using var reader = Open(Path.Combine(_bed.Scratch("out"), "db"));
        using var command = reader.CreateCommand();
        command.CommandText = "SELECT group_concat(x) FROM t";
        Assert.Equal("1,2", command.ExecuteScalar());
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
}
