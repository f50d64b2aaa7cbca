using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Log;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests.Lineage;

/// <summary>What another process writes as soon as content that was changed in place is back at the live path: the next dump has it.</summary>
public sealed class ChangeInPlaceIndexTests : IDisposable
{
    private readonly TestBed _bed = new();

    [Fact]
    public void To_a_file_that_was_placed()
    {
        _bed.Write("n1", "page", "the old one");
        var dump = DumpAfter(
            () => _bed.Write("n1", "page", "the new one"),
            () =>
            {
                var page = Path.Combine(_bed.Live("n3"), "page");
                var modified = FileStatus.TryRead(page)!.Value.ModifiedNs;
                File.WriteAllText(page, "THE NEW ONE");
                FileAttribution.SetModified(page, modified);
            });

        Assert.Equal("THE NEW ONE", File.ReadAllText(Path.Combine(_bed.Restored(dump), "page")));
    }

    [Fact]
    public void To_the_log_of_a_database_that_was_not_touched()
    {
        _bed.Write("n1", "page", "old");
        using (var connection = Open("n1"))
        {
            Execute(connection, "CREATE TABLE rows (body TEXT)");
        }

        SqliteConnection? other = null;
        try
        {
            var dump = DumpAfter(
                () => _bed.Write("n1", "page", "new"),
                () =>
                {
                    other = Open("n3");
                    Execute(other, "PRAGMA wal_autocheckpoint=0; INSERT INTO rows VALUES ('late')");
                });

            using var restored = new SqliteConnection($"Data Source={Path.Combine(_bed.Restored(dump), "app.db")};Pooling=False");
            restored.Open();
            using var count = restored.CreateCommand();
            count.CommandText = "SELECT count(*) FROM rows";
            Assert.Equal(1L, count.ExecuteScalar());
        }
        finally
        {
            other?.Dispose();
        }
    }

    public void Dispose() => _bed.Dispose();

    private SqliteConnection Open(string node)
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(_bed.Live(node), "app.db")};Pooling=False");
        connection.Open();
        Execute(connection, "PRAGMA journal_mode=WAL");
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <param name="change">What the dump that is taken over has, and the node has not.</param>
    /// <param name="late">What another process does there, a tick before the node looks at its files.</param>
    private DumpRecord DumpAfter(Action change, Action late)
    {
        _bed.TakeOver("n1", 1);
        var old = _bed.Dump("n1", 1);
        change();
        _bed.Dump("n1", 1);
        _bed.On("n3", content => content.RestoreOver(old, null, CancellationToken.None));
        var tree = FileStatus.TryRead(_bed.Live("n3"))!.Value.Inode;
        var isLate = false;
        _bed.On(
            "n3",
            content => content.TakeOver(2, null, CancellationToken.None),
            reached =>
            {
                if (reached == "opened" && !isLate)
                {
                    isLate = true;
                    late();
                    new FileSystemClock(_bed.Root).WaitUntilSettled(CancellationToken.None);
                }
            },
            limitsOf: TestBed.AlwaysInPlace);
        Assert.Equal(tree, FileStatus.TryRead(_bed.Live("n3"))!.Value.Inode);
        return _bed.Dump("n3", 2);
    }
}
