using ClusterFs.Ownership.Journal;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace ClusterFs.Ownership.Tests;

/// <summary>A journal in a SQLite file of its own.</summary>
internal sealed class ScratchJournal : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-journal-").FullName;

    public ScratchJournal() => Store = JournalStore.Sqlite($"Data Source={Path.Combine(_directory, "journal.db")}");

    public JournalStore Store { get; }

    public JournalCheck Check => new(Store, TimeProvider.System, NullLogger<JournalCheck>.Instance);

    public static ScratchJournal Prepared()
    {
        var journal = new ScratchJournal();
        journal.Check.PrepareAsync(CancellationToken.None).GetAwaiter().GetResult();
        return journal;
    }

    public void Execute(string sql)
    {
        using var connection = new SqliteConnection(Store.ConnectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public IReadOnlyList<string> Query(string sql)
    {
        using var connection = new SqliteConnection(Store.ConnectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<string>();
        while (reader.Read())
        {
            rows.Add(reader.GetValue(0).ToString()!);
        }

        return rows;
    }

    public void Dispose()
    {
        // The last question of a lease may still be under way when its actor system has ended, and makes a file of SQLite's again.
        Assert.True(SpinWait.SpinUntil(TryDelete, TimeSpan.FromSeconds(10)), $"{_directory} cannot be deleted");
    }

    private bool TryDelete()
    {
        SqliteConnection.ClearAllPools();
        try
        {
            Directory.Delete(_directory, recursive: true);
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
