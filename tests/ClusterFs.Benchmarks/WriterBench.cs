using System.Diagnostics;
using System.Globalization;
using ClusterFs.Archive;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Benchmarks;

/// <summary>
/// What dumps cost a SQLite writer at full speed: one process updates random rows of a database in WAL mode, each in a transaction of its own, and goes on
/// while there are no dumps, dumps every five seconds and dumps every second, in turn, so that whatever else drifts does so for all three.
/// </summary>
/// <param name="shared">Where the archive is made.</param>
/// <param name="rounds">Windows of each kind.</param>
internal sealed class WriterBench(string scratch, string shared, int mebibytes, int rounds)
{
    private const int RowSize = 1000;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(15);

    /// <summary>Time between the beginnings of two dumps; null: none are taken.</summary>
    private static readonly TimeSpan?[] Modes = [null, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(1)];

    private readonly List<double> _dumps = [];

    public int Run()
    {
        var live = Directory.CreateDirectory(Path.Combine(scratch, "live")).FullName;
        var database = Path.Combine(live, "app.db");
        Fill(database);
        ServiceArchive.Initialize(shared);
        using var content = LocalContent.Open(new ServiceArchive(shared, "writer"), live, "n1", CaptureMode.Auto);
        content.TakeOver(1, null, CancellationToken.None);
        content.Dump(1, CancellationToken.None);
        using var writer = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["write-rows", database])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        try
        {
            // A daemon has compiled all of this after its first dumps.
            _ = Measure(content, writer, Modes[^1]);
            _dumps.Clear();
            var rates = Modes.ToDictionary(mode => mode ?? TimeSpan.Zero, _ => new List<double>());
            for (var round = 0; round < rounds; round++)
            {
                foreach (var mode in Modes)
                {
                    rates[mode ?? TimeSpan.Zero].Add(Measure(content, writer, mode));
                }
            }

            Print(rates);
            return 0;
        }
        finally
        {
            writer.Kill();
            writer.WaitForExit();
        }
    }

    /// <summary>The process that writes: answers each line on standard input with the number of rows written so far.</summary>
    public static int WriteRows(string database)
    {
        var written = 0L;
        var asked = new Thread(() =>
        {
            while (Console.In.ReadLine() is not null)
            {
                Console.Out.WriteLine(Interlocked.Read(ref written));
            }

            Environment.Exit(0);
        });
        asked.Start();
        using var connection = Open(database);
        using var update = connection.CreateCommand();
        update.CommandText = "UPDATE rows SET body = $body WHERE id = $id";
        var (body, id) = (update.Parameters.Add("$body", SqliteType.Blob), update.Parameters.Add("$id", SqliteType.Integer));
        var rows = RowsIn(connection);
        var random = new Random(2);
        var bytes = new byte[RowSize];
        while (true)
        {
            random.NextBytes(bytes);
            (body.Value, id.Value) = (bytes, random.NextInt64(rows) + 1);
            update.ExecuteNonQuery();
            Interlocked.Increment(ref written);
        }
    }

    private static long RowsIn(SqliteConnection connection)
    {
        using var count = connection.CreateCommand();
        count.CommandText = "SELECT count(*) FROM rows";
        return (long)count.ExecuteScalar()!;
    }

    private static SqliteConnection Open(string database)
    {
        var connection = new SqliteConnection($"Data Source={database};Pooling=False;Default Timeout=60");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL";
        command.ExecuteNonQuery();
        return connection;
    }

    private static long Ask(Process writer)
    {
        writer.StandardInput.WriteLine();
        writer.StandardInput.Flush();
        return long.Parse(writer.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
    }

    private void Fill(string database)
    {
        using var connection = Open(database);
        using var transaction = connection.BeginTransaction();
        using var insert = connection.CreateCommand();
        insert.CommandText = "CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB NOT NULL)";
        insert.ExecuteNonQuery();
        insert.CommandText = "INSERT INTO rows (body) VALUES ($body)";
        var body = insert.Parameters.Add("$body", SqliteType.Blob);
        var random = new Random(1);
        var bytes = new byte[RowSize];
        for (var row = 0L; row < mebibytes * 1000L; row++)
        {
            random.NextBytes(bytes);
            body.Value = bytes;
            insert.ExecuteNonQuery();
        }

        transaction.Commit();
    }

    /// <returns>Rows written in a second.</returns>
    private double Measure(LocalContent content, Process writer, TimeSpan? every)
    {
        using var over = new ManualResetEventSlim();

        // The first dump has to catch up with the windows before: that is not what dumps as frequent as these cost. The window begins with the second.
        using var begun = new ManualResetEventSlim(every is null);
        var dumping = every is not { } interval ? Task.CompletedTask : Task.Run(() =>
        {
            try
            {
                var caughtUp = false;
                for (var wait = TimeSpan.Zero; !over.Wait(wait); caughtUp = true)
                {
                    var began = Stopwatch.GetTimestamp();
                    if (caughtUp)
                    {
                        begun.Set();
                    }

                    content.Dump(1, CancellationToken.None);
                    var took = Stopwatch.GetElapsedTime(began);
                    if (caughtUp)
                    {
                        _dumps.Add(took.TotalSeconds);
                    }

                    wait = took < interval ? interval - took : TimeSpan.Zero;
                }
            }
            finally
            {
                begun.Set();
            }
        });
        begun.Wait();
        var started = Stopwatch.GetTimestamp();
        var before = Ask(writer);
        _ = over.WaitHandle.WaitOne(Window);
        var rate = (Ask(writer) - before) / Stopwatch.GetElapsedTime(started).TotalSeconds;
        over.Set();
        dumping.GetAwaiter().GetResult();
        return rate;
    }

    private void Print(Dictionary<TimeSpan, List<double>> rates)
    {
        Console.WriteLine(FormattableString.Invariant($"a database of {mebibytes} MiB, one row of {RowSize} bytes per transaction"));
        Console.WriteLine($"{"dumps",-14}{"rows/s",10}{"of none",10}   each window of {Window.TotalSeconds} s");
        var none = rates[TimeSpan.Zero];
        foreach (var (every, measured) in rates)
        {
            // Each window beside the one without dumps of its own round: the rate itself drifts.
            var ratio = Statistics.Median(measured.Zip(none, (with, without) => with / without));
            var name = every == TimeSpan.Zero ? "none" : $"every {every.TotalSeconds} s";
            Console.WriteLine(FormattableString.Invariant($"{name,-14}{Statistics.Median(measured),10:F0}{ratio,10:P1}   ")
                + string.Join(' ', measured.Select(rate => rate.ToString("F0", CultureInfo.InvariantCulture))));
        }

        Console.WriteLine(FormattableString.Invariant($"{_dumps.Count} dumps, median {Statistics.Median(_dumps) * 1000:F0} ms"));
    }
}
