using System.Globalization;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;
using ClusterFs.Archive.Log;
using ClusterFs.Archive.Rehearsal;

namespace ClusterFs.Archive.Tests.Capture;

public sealed class PostgresTests(BtrfsDisk disk) : IClassFixture<BtrfsDisk>, IDisposable
{
    private TestBed? _bed;

    public void Dispose() => _bed?.Dispose();

    [SkippableFact]
    public void A_base_backup_starts_with_the_rows_committed_before_it_and_the_next_one_stores_little()
    {
        Skip.If(PostgresServer.Missing is not null, PostgresServer.Missing);
        var bed = Begin(null);
        DumpResult.Committed second;
        using (var server = new PostgresServer(bed.Live("n1"), bed.Scratch("sock")))
        {
            server.Ask("CREATE TABLE entries (id bigint PRIMARY KEY, body text); INSERT INTO entries SELECT n, repeat('x', 100) FROM generate_series(1, 20000) n");
            var capture = new CaptureSettings(CaptureMode.Command) { Command = new CaptureCommand(server.BaseBackup, TimeSpan.FromSeconds(60)) };
            var first = bed.Dump("n1", capture);
            Assert.Equal($"{first.Record.Content.Files} files: as the capture command wrote them", first.Guarantee);
            Assert.Equal(20000, CountIn(bed, first.Record));

            server.Ask("INSERT INTO entries VALUES (20001, 'after the first dump')");
            second = bed.Dump("n1", capture);
            Assert.Equal(20001, CountIn(bed, second.Record));
            AssertVerifiedInRehearsal(bed, second.Record);
            Assert.InRange(second.StoredBytes, 1, second.Record.Content.Bytes / 100);

            server.Ask("INSERT INTO entries VALUES (20002, 'before the end')");
            server.Stop();
        }

        // The server is gone, and so the command cannot be run: what it left is the newest content.
        var last = bed.Dump("n1", new CaptureSettings(CaptureMode.Command) { Command = new CaptureCommand("false", TimeSpan.FromSeconds(1)) }, ended: true);
        Assert.Equal(20002, CountIn(bed, last.Record));
        Assert.True(second.Record.Slot < last.Record.Slot);
    }

    [SkippableFact]
    public void A_data_directory_in_a_snapshot_recovers_with_every_row_committed_before_it()
    {
        Skip.If(PostgresServer.Missing is not null, PostgresServer.Missing);
        Skip.If(disk.Missing is not null, disk.Missing);
        var bed = Begin(disk.MountPoint);
        using var server = new PostgresServer(bed.Live("n1"), bed.Scratch("sock"));
        server.Ask("CREATE TABLE entries (id bigint PRIMARY KEY, body text)");
        using var client = server.Client();
        using var stop = new CancellationTokenSource();
        var committed = 0L;
        var writing = Task.Run(() =>
        {
            for (var n = 1L; !stop.IsCancellationRequested; n++)
            {
                client.WriteLine($"INSERT INTO entries VALUES ({n}, repeat('x', 500)) RETURNING id;");
                Assert.Equal(n, long.Parse(client.ReadLine()!, CultureInfo.InvariantCulture));
                Volatile.Write(ref committed, n);
            }
        });
        using var content = bed.Open("n1", new CaptureSettings(CaptureMode.Snapshot));
        for (var round = 0; round < 2; round++)
        {
            var goal = Volatile.Read(ref committed) + 50;
            Await.That(() => writing.IsCompleted || Volatile.Read(ref committed) > goal, "rows are committed");
            var before = Volatile.Read(ref committed);

            var dump = Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));

            Assert.Contains("all as of one moment, by a btrfs snapshot", dump.Guarantee, StringComparison.Ordinal);
            var restored = bed.Restored(dump.Record);
            Assert.True(File.Exists(Path.Combine(restored, "postmaster.pid")));
            using var recovered = StartRestored(bed, dump.Record, restored);
            var rows = recovered.Count("SELECT count(*) FROM entries");
            Assert.Equal(rows, recovered.Count("SELECT max(id) FROM entries"));
            Assert.True(rows >= before, $"{before} rows were committed before the snapshot, {rows} are in it");
        }

        stop.Cancel();
        writing.GetAwaiter().GetResult();
    }

    private TestBed Begin(string? parent)
    {
        var bed = _bed = new TestBed(parent);

        // The server's user has to get there.
        Programs.Run("chmod", "755", bed.Root);
        PostgresServer.Initialise(bed.Live("n1"));
        Assert.Equal(ContentBasis.Adopted, bed.TakeOver("n1", 1).Basis);
        return bed;
    }

    /// <summary>By PostgreSQL's own program, run by its own user; a table that is not what it was does not pass.</summary>
    private static void AssertVerifiedInRehearsal(TestBed bed, DumpRecord dump)
    {
        var rehearsal = DumpRehearsal.Beside(bed.Live("n2"), bed.Archive, "n2");
        Assert.Null(Rehearse(PostgresServer.VerifyBackup));
        Assert.Contains("PG_VERSION", Rehearse($"echo 1 > base/1/PG_VERSION && {PostgresServer.VerifyBackup}")!, StringComparison.Ordinal);

        string? Rehearse(string check) =>
            rehearsal.Run(dump, new RehearsalCheck(check, TimeSpan.FromMinutes(1)), null, null, CancellationToken.None).Problem;
    }

    private static long CountIn(TestBed bed, DumpRecord dump)
    {
        using var server = StartRestored(bed, dump, bed.Restored(dump));
        return server.Count("SELECT count(*) FROM entries");
    }

    /// <summary>The process that its lock file names runs on this machine: on another one, the file would be stale.</summary>
    private static PostgresServer StartRestored(TestBed bed, DumpRecord dump, string restored)
    {
        File.Delete(Path.Combine(restored, "postmaster.pid"));
        return new PostgresServer(restored, bed.Scratch($"sock-{dump.Slot}"));
    }
}
