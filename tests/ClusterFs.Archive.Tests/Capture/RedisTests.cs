using System.Globalization;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>A server that keeps its data in memory until its quiesce hook has it written.</summary>
public sealed class RedisTests : IDisposable
{
    private readonly TestBed _bed = new();

    public void Dispose() => _bed.Dispose();

    [SkippableFact]
    public void A_restored_server_has_all_that_was_acknowledged_before_its_quiesce()
    {
        Skip.If(RedisServer.Missing is not null, RedisServer.Missing);
        _bed.TakeOver("n1", 1);
        using var server = new RedisServer(_bed.Live("n1"), _bed.Scratch("redis.sock"));
        var acknowledged = 0L;
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(() =>
        {
            using var client = server.Connect();
            for (var n = 1L; !stop.IsCancellationRequested; n++)
            {
                Assert.Equal("+OK", client.Ask($"SET key:{n} {n}"));
                Volatile.Write(ref acknowledged, n);
            }
        });
        var client = $"redis-cli -e -s {server.Socket}";
        using var content = _bed.Open("n1", new CaptureSettings(CaptureMode.Hooks)
        {
            Hooks = new CaptureHooks(
                $"{client} CLIENT PAUSE 30000 WRITE && {client} SAVE", $"{client} CLIENT UNPAUSE", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30)),
        });
        for (var round = 0; round < 3; round++)
        {
            var goal = Volatile.Read(ref acknowledged) + 500;
            Await.That(() => writing.IsCompleted || Volatile.Read(ref acknowledged) > goal, "writes are acknowledged");
            var before = Volatile.Read(ref acknowledged);

            var dump = Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));

            Assert.Contains("the service stood still", dump.Guarantee, StringComparison.Ordinal);
            Assert.Null(content.ResumeProblem);
            using var restored = new RedisServer(_bed.Restored(dump.Record), _bed.Scratch($"restored{round}.sock"));
            var count = long.Parse(restored.Ask("DBSIZE")[1..], CultureInfo.InvariantCulture);
            Assert.True(count >= before, $"{before} writes were acknowledged before the quiesce, {count} keys are in the dump");
            Assert.Equal(":1", restored.Ask("EXISTS key:1"));
            Assert.Equal(":1", restored.Ask($"EXISTS key:{count}"));
        }

        stop.Cancel();
        writing.GetAwaiter().GetResult();
    }
}
