using System.Globalization;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Faults.Workload;

/// <summary>The records of a directory that the workload wrote to, read with nothing of ClusterFs.</summary>
/// <param name="InDatabase">Of the SQLite database.</param>
/// <param name="InFile">Of the file that is appended to.</param>
internal sealed record StoredRecords(IReadOnlySet<Record> InDatabase, IReadOnlySet<Record> InFile)
{
    public static StoredRecords None { get; } = new(new HashSet<Record>(), new HashSet<Record>());

    public static StoredRecords Read(string directory) => new(
        ReadDatabase(Path.Combine(directory, RecordStore.DatabaseName)),
        ReadFile(Path.Combine(directory, RecordStore.FileName)));

    private static HashSet<Record> ReadDatabase(string file)
    {
        var records = new HashSet<Record>();
        if (!File.Exists(file))
        {
            return records;
        }

        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM sqlite_master WHERE name = 'records'";
        if (command.ExecuteScalar() is 0L)
        {
            return records;
        }

        command.CommandText = "SELECT run, number FROM records";
        using var reader = command.ExecuteReader();
        while (reader.Read())
        {
            records.Add(new Record(reader.GetString(0), reader.GetInt64(1)));
        }

        return records;
    }

    /// <summary>A line that was cut off is no record.</summary>
    private static HashSet<Record> ReadFile(string file)
    {
        var records = new HashSet<Record>();
        if (!File.Exists(file))
        {
            return records;
        }

        var text = File.ReadAllText(file);
        foreach (var line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var words = line.Split(' ');
            if (words.Length == 2 && long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            {
                records.Add(new Record(words[0], number));
            }
        }

        return records;
    }
}
