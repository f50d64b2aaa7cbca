using System.Text;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Benchmarks;

/// <summary>Content to be archived, and a change of 1 % of it.</summary>
internal sealed record Workload(string Name, Action<string> Create, Action<string> Change);

internal static class Workloads
{
    private static readonly string[] Words = [.. MakeWords()];

    /// <param name="size">Of the database, in MiB; the others keep their proportion to it.</param>
    public static IReadOnlyList<Workload> Of(int size) =>
    [
        new("SQLite", live => CreateDatabase(live, size), live => UpdateRows(live)),
        new("Maildir", live => CreateMail(live, size * 38), ReplaceMail),
        new("queue", live => Append(live, size * 256L * 1024 * 1024 / 669, 1), live => Append(live, new FileInfo(Path.Combine(live, "queue")).Length / 100, 2)),
    ];

    private static IEnumerable<string> MakeWords()
    {
        var random = new Random(7);
        for (var i = 0; i < 4096; i++)
        {
            yield return string.Concat(Enumerable.Range(0, random.Next(3, 11)).Select(_ => (char)('a' + (random.Next(26) * random.Next(26) / 26))));
        }
    }

    private static string Text(Random random, int length)
    {
        var text = new StringBuilder(length + 12);
        while (text.Length < length)
        {
            // Common words are common, as in any language; every fifth is a number or an identifier.
            text.Append(random.Next(5) == 0 ? random.Next().ToString("x8") : Words[(int)(Words.Length * Math.Pow(random.NextDouble(), 3))]).Append(' ');
        }

        return text.ToString(0, length);
    }

    private static void CreateDatabase(string live, int size)
    {
        using var connection = Open(live);
        Execute(connection, "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY; CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
        var random = new Random(1);
        using var transaction = connection.BeginTransaction();
        using var insert = connection.CreateCommand();
        insert.CommandText = "INSERT INTO rows (body) VALUES ($body)";
        var body = insert.Parameters.Add("$body", SqliteType.Text);
        for (var i = 0; i < size * 877L; i++)
        {
            body.Value = Text(random, 1024);
            insert.ExecuteNonQuery();
        }

        transaction.Commit();
    }

    private static void UpdateRows(string live)
    {
        using var connection = Open(live);
        Execute(connection, "PRAGMA synchronous=OFF; PRAGMA journal_mode=MEMORY");
        using var count = connection.CreateCommand();
        count.CommandText = "SELECT count(*) FROM rows";
        var rows = (long)count.ExecuteScalar()!;
        var random = new Random(2);
        using var transaction = connection.BeginTransaction();
        using var update = connection.CreateCommand();
        update.CommandText = "UPDATE rows SET body = $body WHERE id = $id";
        var body = update.Parameters.Add("$body", SqliteType.Text);
        var id = update.Parameters.Add("$id", SqliteType.Integer);
        for (var i = 0; i < rows / 100; i++)
        {
            (body.Value, id.Value) = (Text(random, 1024), random.NextInt64(rows) + 1);
            update.ExecuteNonQuery();
        }

        transaction.Commit();
    }

    private static SqliteConnection Open(string live)
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(live, "app.db")};Pooling=False");
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static void CreateMail(string live, int files)
    {
        var random = new Random(3);
        for (var i = 0; i < files; i++)
        {
            var directory = Path.Combine(live, $"user{i % 64:D2}", "cur");
            Directory.CreateDirectory(directory);
            File.WriteAllText(Path.Combine(directory, $"{1_700_000_000 + i}.M{random.Next(999999):D6}P{i}.host:2,S"), Text(random, random.Next(2000, 18000)));
        }
    }

    private static void ReplaceMail(string live)
    {
        var random = new Random(4);
        var files = Directory.EnumerateFiles(live, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        for (var i = 0; i < files.Count / 100; i++)
        {
            var old = files[random.Next(files.Count)];
            File.Delete(old);
            File.WriteAllText(Path.Combine(Path.GetDirectoryName(old)!, $"{1_800_000_000 + i}.M{i:D6}P{i}.host:2,"), Text(random, random.Next(2000, 18000)));
        }
    }

    private static void Append(string live, long bytes, int seed)
    {
        var random = new Random(seed);
        using var queue = new FileStream(Path.Combine(live, "queue"), FileMode.Append);
        for (var written = 0L; written < bytes;)
        {
            var record = Encoding.ASCII.GetBytes(Text(random, 500) + "\n");
            queue.Write(record);
            written += record.Length;
        }
    }
}
