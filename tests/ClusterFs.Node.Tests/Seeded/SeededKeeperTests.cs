using System.Diagnostics;
using ClusterFs.Configuration;
using ClusterFs.Content.Seeded;
using ClusterFs.Node.Seeded;
using ClusterFs.Posix;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClusterFs.Node.Tests.Seeded;

public sealed class SeededKeeperTests : IDisposable
{
    private const int Stop = 19;
    private const int Continue = 18;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _root = Directory.CreateTempSubdirectory("clusterfs-keeper-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task It_renders_at_the_start_and_when_the_template_changes()
    {
        Write(Path.Combine(_root, "shared"), "one %NODE%\n");
        using var keeper = Start(Path.Combine(_root, "shared"));
        await Until(() => File.Exists(Target) && File.ReadAllText(Target) == "one n1\n", "the first rendering");
        Write(Path.Combine(_root, "shared"), "two %NODE%\n");
        await Until(() => File.ReadAllText(Target) == "two n1\n", "the second rendering");
        await Until(() => Assert.Single(keeper.States).RenderedBecause == "the template changed", "the second rendering to be known");
        Assert.Null(Assert.Single(await keeper.CompareAsync(null, Patience)).Reason);
    }

    [Fact]
    public async Task However_often_somebody_asks_changes_are_rendered()
    {
        Write(Path.Combine(_root, "shared"), "one %NODE%\n");
        using var keeper = Start(Path.Combine(_root, "shared"), pollEvery: "2s");
        var waited = Stopwatch.StartNew();
        while (!File.Exists(Target))
        {
            Assert.True(waited.Elapsed < Patience, "not in time: the first rendering");
            await keeper.CompareAsync(null, Patience);
        }

        Assert.Equal("one n1\n", File.ReadAllText(Target));
    }

    [SkippableFact]
    public async Task Shared_storage_that_hangs_is_seen_and_nobody_waits_for_it()
    {
        Skip.IfNot(Processes.IsRoot && File.Exists("/usr/bin/bindfs") && File.Exists("/dev/fuse"), "needs root, bindfs and /dev/fuse");
        var mount = Directory.CreateDirectory(Path.Combine(_root, "mount")).FullName;
        Write(Path.Combine(_root, "shared"), "one\n");
        using var server = Process.Start("/usr/bin/bindfs", ["-f", Path.Combine(_root, "shared"), mount]);
        try
        {
            await Until(() => File.Exists(Path.Combine(mount, "site.in")), "the mount");
            using var keeper = Start(mount);
            await Until(() => Assert.Single(keeper.States).Condition == SeededCondition.Current, "the first rendering");
            Processes.Signal(server.Id, Stop);
            await Until(() => Assert.Single(keeper.States).Condition == SeededCondition.Unknown, "the hang to be seen");
            Assert.Matches("^shared storage has not answered for .* s; what is on this node stays$", Assert.Single(keeper.States).Reason!);
            var refused = await Assert.ThrowsAsync<TimeoutException>(() => keeper.RenderAsync(null, TimeSpan.FromMilliseconds(100)));
            Assert.Equal("shared storage does not answer", refused.Message);
            Assert.Equal("one\n", File.ReadAllText(Target));
            Processes.Signal(server.Id, Continue);
            await Until(() => Assert.Single(keeper.States).Condition == SeededCondition.Current, "the end of the hang");
        }
        finally
        {
            Processes.Signal(server.Id, Continue);
            using var unmount = Process.Start("umount", [mount]);
            await unmount.WaitForExitAsync();
            await server.WaitForExitAsync();
        }
    }

    private string Target => Path.Combine(_root, "site");

    private static void Write(string shared, string template)
    {
        Directory.CreateDirectory(Path.Combine(shared, "clusterfs"));
        File.WriteAllText(Path.Combine(shared, "site.in"), template);
    }

    private SeededKeeper Start(string shared, string pollEvery = "100ms")
    {
        var configuration = Path.Combine(_root, "node.conf");
        File.WriteAllText(configuration, $$"""
            clusterfs {
              node { name = n1, state-dir = "{{_root}}/state" }
              cluster.nodes { n1 = 127.0.0.1, n2 = 127.0.0.2, n3 = 127.0.0.3 }
              journal { provider = sqlite, connection-string = "Data Source={{_root}}/journal.db" }
              shared.path = "{{shared}}"
              seeded.poll-every = {{pollEvery}}
              services.wiki { live.path = "{{_root}}/live", seeded."{{Target}}".template = site.in }
            }
            """);
        var keeper = new SeededKeeper(ConfigurationLoader.Load(configuration).Settings, TimeProvider.System);
        keeper.Begin(NullLogger.Instance);
        return keeper;
    }

    private static async Task Until(Func<bool> condition, string what)
    {
        var waited = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(waited.Elapsed < Patience, $"not in time: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }
}
