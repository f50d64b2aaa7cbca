using System.Formats.Tar;
using System.Text.Json;
using ClusterFs.Cluster.Tests.Bench;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Posix;
using Microsoft.Data.Sqlite;

namespace ClusterFs.Cluster.Tests;

[Collection(OneCluster.Name)]
public sealed class OwnerKilledTests(ClusterBench bench)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task Another_node_takes_over_in_time_loses_what_was_announced_and_the_rest_is_kept_as_divergent()
    {
        var first = await bench.Settle();
        await using var load = await bench.Load(first);
        await Eventually.True(
            "a second's writes are at risk",
            Patience,
            () => load.Watch.Count > 0 && load.Watch.LastBefore(MachineClock.Boottime).AtRisk >= TimeSpan.FromSeconds(1),
            bench.Cluster.Evidence);
        var divergentBefore = (await bench.Cluster.UntilService(ClusterBench.Guestbook, "is known", Patience, _ => true)).Divergent;

        var killed = MachineClock.Boottime;
        var announced = load.Watch.LastBefore(killed);
        await first.KillEverything();
        var second = await load.UntilTakenOverFrom(first);

        var outage = load.Writer.LongestOutageSince(killed);
        Assert.NotNull(outage);
        Assert.True(outage.Duration <= ClusterBench.LongestTakeover, $"writes failed for {outage}{Environment.NewLine}{bench.Cluster.Evidence()}");
        var lost = await load.Writer.MissingAt(GuestbookService.AddressOn(second));
        Assert.NotEmpty(lost);
        Assert.All(lost, row => Assert.True(row.AcknowledgedAt >= announced.SafeUntil, $"{row} was lost; announced was {announced}"));

        var returned = MachineClock.Boottime;
        first.Start();
        first.StartRun(ClusterBench.Guestbook);
        await bench.Cluster.UntilComplete(Patience);
        await bench.Cluster.UntilService(
            ClusterBench.Guestbook, "has one more divergent dump", Patience, service => service.Divergent > divergentBefore);
        var rows = await ExportNewestDivergent(first);
        Assert.All(lost, row => Assert.Contains(row.Text, rows));
        Assert.Empty(first.ProcessesOf(ClusterBench.Guestbook));
        await load.StayedUntouchedSince(returned);
        bench.Beats.NeverOverlapped(ClusterBench.Guestbook, runsAtLeast: 2);
    }

    private static async Task<IReadOnlySet<string>> ExportNewestDivergent(ClusterNode node)
    {
        var list = (await node.Clusterfs("divergent", "list", ClusterBench.Guestbook, "--json")).Successful().Output;
        using var document = JsonDocument.Parse(list);
        var name = document.RootElement.EnumerateArray().Last().GetProperty("name").GetString()!;
        var directory = System.IO.Directory.CreateTempSubdirectory("clusterfs-export-");
        try
        {
            var tar = Path.Combine(directory.FullName, "divergent.tar");
            (await node.Clusterfs("divergent", "export", ClusterBench.Guestbook, name, "--to", tar)).Successful();
            await TarFile.ExtractToDirectoryAsync(tar, directory.FullName, overwriteFiles: false);
            return ReadRows(System.IO.Directory.EnumerateFiles(directory.FullName, "guestbook.db", SearchOption.AllDirectories).Single());
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static HashSet<string> ReadRows(string database)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = database, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT text FROM entries";
        using var reader = command.ExecuteReader();
        var texts = new HashSet<string>();
        while (reader.Read())
        {
            texts.Add(reader.GetString(0));
        }

        return texts;
    }
}
