using System.Globalization;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Rehearsal;
using ClusterFs.Archive.Retention;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Archive.Tests;

/// <summary>What this assembly does when a test starts it as a process of its own.</summary>
internal static class ChildProgram
{
    public static int Main(string[] arguments)
    {
        switch (arguments)
        {
            case ["sqlite-writer", var database, var journalMode]:
                return WriteRows(database, journalMode);
            case ["sqlite-session", var database]:
                return Obey(database);
            case ["claim", var shared, var node, var count]:
                return Claim(shared, node, int.Parse(count, CultureInfo.InvariantCulture));
            case ["take-over", var shared, var live, var node, var epoch, var point]:
                return TakeOver(shared, live, node, long.Parse(epoch, CultureInfo.InvariantCulture), point);
            case ["dump", var shared, var live, var node, var epoch, var point]:
                return Dump(shared, live, node, long.Parse(epoch, CultureInfo.InvariantCulture), point);
            case ["dump-hooked", var shared, var live, var point, var quiesce, var resume]:
                return Dump(shared, live, point, new CaptureSettings(CaptureMode.Hooks)
                {
                    Hooks = new CaptureHooks(quiesce, resume, TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1)),
                });
            case ["dump-commanded", var shared, var live, var point, var command]:
                return Dump(shared, live, point, new CaptureSettings(CaptureMode.Command) { Command = new CaptureCommand(command, TimeSpan.FromMinutes(1)) });
            case ["dump-snapshot", var shared, var live, var point]:
                return Dump(shared, live, point, new CaptureSettings(CaptureMode.Snapshot));
            case ["dump-kept", var shared, var live]:
                return DumpKept(shared, live);
            case ["follow", var shared, var live, var node, var point]:
                return Follow(shared, live, node, point);
            case ["rehearse", var shared, var live, var check]:
                return Rehearse(shared, live, check);
            case ["restore-over", var shared, var live, var node, var sequence]:
                return RestoreOver(shared, live, node, long.Parse(sequence, CultureInfo.InvariantCulture));
            case ["compact", var shared, var newest]:
                new ServiceArchive(shared, TestBed.Service).Compact(long.Parse(newest, CultureInfo.InvariantCulture), CancellationToken.None);
                return 0;
            case ["prune", var shared, var last]:
                new ServiceArchive(shared, TestBed.Service) { PruneGrace = TimeSpan.Zero }
                    .Prune(new RetentionPolicy(int.Parse(last, CultureInfo.InvariantCulture), 0, 0, 0, 0, 0), 1, CancellationToken.None);
                return 0;
            default:
                Console.Error.WriteLine("This is a test assembly: run it with dotnet test.");
                return 2;
        }
    }

    /// <summary>Commits one row after another and names each on standard output once it is committed.</summary>
    private static int WriteRows(string database, string journalMode)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False;Default Timeout=30");
        connection.Open();
        Execute(connection, $"PRAGMA journal_mode={journalMode}");
        Execute(connection, "PRAGMA synchronous=NORMAL");
        Execute(connection, "PRAGMA wal_autocheckpoint=50");
        Execute(connection, "CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY, body TEXT NOT NULL)");
        for (var row = 1L; ; row++)
        {
            Execute(connection, $"INSERT INTO entries VALUES ({row}, '{new string('x', 400)}')");
            Console.Out.WriteLine(row);
        }
    }

    /// <summary>Executes every line of standard input and says so once it is done.</summary>
    private static int Obey(string database)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        while (Console.In.ReadLine() is { } sql)
        {
            Execute(connection, sql);
            Console.Out.WriteLine("done");
        }

        return 0;
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static int Claim(string shared, string node, int count)
    {
        var archive = new ServiceArchive(shared, TestBed.Service);
        archive.Layout.CreateDirectories();
        ClaimMany(archive, node, count);
        return 0;
    }

    /// <summary>Claims so often, each time with the next epoch above the highest that got in its way.</summary>
    public static void ClaimMany(ServiceArchive archive, string node, int count)
    {
        var epoch = 1L;
        for (var i = 0; i < count;)
        {
            var draft = new ClaimRecord(archive.Service, 0, Guid.NewGuid().ToString("N"), epoch, node, archive.Now);
            var taken = archive.Log.Claim(draft, 0, CancellationToken.None);
            i += taken.Outcome == SlotOutcome.Mine ? 1 : 0;
            epoch = taken.Record.Epoch + 1;
        }
    }

    private static int TakeOver(string shared, string live, string node, long epoch, string point)
    {
        using var content = LocalContent.Open(new ServiceArchive(shared, TestBed.Service), live, node, CaptureMode.Auto, DieAt(point));
        content.TakeOver(epoch, null, CancellationToken.None);
        return 0;
    }

    private static int Dump(string shared, string live, string node, long epoch, string point)
    {
        using var content = LocalContent.Open(new ServiceArchive(shared, TestBed.Service), live, node, CaptureMode.Auto, DieAt(point));
        content.Dump(epoch, CancellationToken.None);
        return 0;
    }

    /// <summary>Says how it captured, or why it did not.</summary>
    private static int Dump(string shared, string live, string point, CaptureSettings capture)
    {
        using var content = LocalContent.Open(new ServiceArchive(shared, TestBed.Service), live, "n1", capture, DieAt(point));
        try
        {
            Console.Out.WriteLine(content.Dump(content.Epoch!.Value, CancellationToken.None) is DumpResult.Committed dump ? dump.Guarantee : "unchanged");
            return 0;
        }
        catch (LocalContentException problem)
        {
            Console.Out.WriteLine(problem.Message);
            return 1;
        }
    }

    /// <summary>Files of more than 1 MiB are kept for the next dump.</summary>
    private static int DumpKept(string shared, string live)
    {
        var archive = new ServiceArchive(shared, TestBed.Service);
        using var content = LocalContent.Open(archive, live, "n1", new CaptureSettings(CaptureMode.Auto) { KeepsBlocks = true }, _ => { }, keptFrom: 1 << 20);
        content.Dump(1, CancellationToken.None);
        return 0;
    }

    private static int Follow(string shared, string live, string node, string point)
    {
        using var content = LocalContent.Open(new ServiceArchive(shared, TestBed.Service), live, node, CaptureMode.Auto, DieAt(point));
        content.Follow(0, null, CancellationToken.None);
        return 0;
    }

    private static int Rehearse(string shared, string live, string check)
    {
        var archive = new ServiceArchive(shared, TestBed.Service);
        var report = DumpRehearsal.Beside(live, archive, "n2").Run(
            archive.NewestDump(CancellationToken.None)!, new RehearsalCheck(check, TimeSpan.FromMinutes(5)), null, null, CancellationToken.None);
        return report.Passed ? 0 : 1;
    }

    private static int RestoreOver(string shared, string live, string node, long sequence)
    {
        var archive = new ServiceArchive(shared, TestBed.Service);
        using var content = LocalContent.Open(archive, live, node, CaptureMode.Auto);
        content.RestoreOver(archive.List(CancellationToken.None).OfType<DumpRecord>().Single(dump => dump.Slot == sequence), null, CancellationToken.None);
        return 0;
    }

    /// <param name="point">Where it is killed; after "exit:", where it ends in order.</param>
    private static Action<string> DieAt(string point) => reached =>
    {
        if ($"exit:{reached}" == point)
        {
            Environment.Exit(3);
        }

        if (reached == point)
        {
            Processes.Signal(Environment.ProcessId, Processes.SignalKill);
        }
    };
}
