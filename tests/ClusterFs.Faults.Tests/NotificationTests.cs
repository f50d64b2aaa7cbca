using System.Text.Json;
using ClusterFs.Demo;
using ClusterFs.Faults.Rig;

namespace ClusterFs.Faults.Tests;

/// <summary>A real failover, of which somebody is told. The rig has failover.max = 0, so that the grant is what is told.</summary>
[Collection(OneRig.Name)]
public sealed class NotificationTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly DirectoryInfo _told = Directory.CreateTempSubdirectory("clusterfs-told-");

    private string Told => Path.Combine(_told.FullName, "told");

    public void Dispose() => _told.Delete(recursive: true);

    [SkippableFact]
    public async Task A_failover_is_told_once_by_one_node_with_the_facts_of_the_history()
    {
        var missing = Needs.Missing();
        Skip.If(missing.Count > 0, string.Join("; ", missing));
        await using var cluster = await RigTurn.Take(() => FaultCluster.Start(new FaultClusterOptions
        {
            ServiceSettings = $"notify {{ command = \"cat >> {Told}\", on = [failover, started] }}",
            WriterProgram = Path.Combine(AppContext.BaseDirectory, "faults"),
        }), _ => { });
        using var patience = new CancellationTokenSource(Patience * 2);
        var owner = await cluster.Settle(patience.Token);
        var first = Assert.Single(await UntilTold("started", cluster));
        Assert.Equal(("started", owner), (first.GetProperty("event").GetString(), first.GetProperty("node").GetString()));

        await cluster.Machine(owner).DisposeAsync();
        cluster.Machine(owner).KillEverything();

        var told = (await UntilTold("failover", cluster)).Last();
        var next = told.GetProperty("node").GetString()!;
        Assert.NotEqual(owner, next);
        Assert.Equal((FaultCluster.Service, "failover"), (told.GetProperty("service").GetString(), told.GetProperty("cause").GetString()));
        using var history = JsonDocument.Parse((await cluster.Cluster.Node(next).Clusterfs("history", FaultCluster.Service, "--json")).Successful().Output);
        var granted = history.RootElement.GetProperty("entries").EnumerateArray().Last(entry => entry.GetProperty("event").GetString() == "granted");
        Assert.Equal(
            (granted.GetProperty("epoch").GetInt64(), granted.GetProperty("at").GetDateTimeOffset()),
            (told.GetProperty("epoch").GetInt64(), told.GetProperty("at").GetDateTimeOffset()),
            new Near());

        var test = (await cluster.Cluster.Node(next).Clusterfs("notify", "test", FaultCluster.Service)).Successful();
        Assert.Contains("exit code 0", test.Output, StringComparison.Ordinal);
        Assert.Equal(["started", "failover", "test"], Read().Select(line => line.GetProperty("event").GetString()));
    }

    private async Task<List<JsonElement>> UntilTold(string kind, FaultCluster cluster) => await Eventually.Get(
        $"{kind} is told",
        Patience,
        () => Task.FromResult(Read() is var read && read.Any(line => line.GetProperty("event").GetString() == kind) ? read : null),
        cluster.Cluster.Evidence);

    private List<JsonElement> Read() => File.Exists(Told)
        ? [.. File.ReadAllText(Told).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement.Clone())]
        : [];

    /// <summary>What is told has milliseconds, and the history has more.</summary>
    private sealed class Near : IEqualityComparer<(long Epoch, DateTimeOffset At)>
    {
        public bool Equals((long Epoch, DateTimeOffset At) one, (long Epoch, DateTimeOffset At) other) =>
            one.Epoch == other.Epoch && (one.At - other.At).Duration() < TimeSpan.FromMilliseconds(2);

        public int GetHashCode((long Epoch, DateTimeOffset At) one) => one.Epoch.GetHashCode();
    }
}
