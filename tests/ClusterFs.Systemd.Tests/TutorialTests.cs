using System.Diagnostics;
using ClusterFs.Systemd.Tests.Rig;

namespace ClusterFs.Systemd.Tests;

[Collection(nameof(InstalledCluster))]
public sealed class TutorialTests
{
    /// <summary>Five more numbers: status may be behind by two dumps, one may have been under way, and what is no dump may have taken one.</summary>
    private const string UntilWhatIsThereWasDumpedByItself = """
        newest() { clusterfs status diary --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["services"][0]["lastDump"]["sequence"])'; }
        cp /var/lib/diary/diary.txt /common/dumped
        was=$(newest)
        until [ "$(newest)" -ge $((was + 5)) ]; do sleep 0.2; done
        cp /var/lib/diary/diary.txt /common/written
        """;

    /// <summary>What a failover may lose: three seconds of five lines each, though a dump is begun every second.</summary>
    private const int MostLost = 15;

    [SkippableFact]
    public async Task The_tutorial_leads_from_the_package_to_a_surviving_service_in_under_ten_minutes()
    {
        Skip.If(Needs.Missing.Length > 0, Needs.Missing);
        await using var hosts = await SystemdHosts.Boot("n1", "n2", "n3", "db");
        foreach (var node in new[] { "n1", "n2", "n3" })
        {
            File.Copy(Needs.Package!, Path.Combine(hosts.Common, Path.GetFileName(Needs.Package!)), overwrite: true);
            await hosts.Run(node, "cp /common/*.deb /root/");
        }

        await hosts.Run("db", "systemctl enable --now postgresql");
        var begun = Stopwatch.StartNew();
        var tutorial = new Tutorial(hosts);
        await tutorial.Follow(1, 2, 3, 4);
        var service = await tutorial.Follow(5);
        Assert.Contains("n1", service[^3], StringComparison.Ordinal);
        Assert.Contains("refused: node n1 owns it; 'clusterfs move diary --to n2' brings it here", service[^1], StringComparison.Ordinal);

        await hosts.Run("n1", $"until {InstalledCluster.AllAreWarm}; do sleep 0.5; done");
        await hosts.Run("n1", UntilWhatIsThereWasDumpedByItself);
        var survived = await tutorial.Follow(6);
        Assert.True(begun.Elapsed < TimeSpan.FromMinutes(10), $"{begun.Elapsed}");

        // It is there after the failover and the return, at the beginning of the file.
        var after = (await hosts.Run("n1", "cat /var/lib/diary/diary.txt")).Split('\n');
        var dumped = await File.ReadAllLinesAsync(Path.Combine(hosts.Common, "dumped"));
        var written = await File.ReadAllLinesAsync(Path.Combine(hosts.Common, "written"));
        Assert.Equal(dumped, after.Take(dumped.Length));
        Assert.Equal(written.SkipLast(MostLost), after.Take(written.Length - MostLost));
        Assert.Contains(after, line => line.EndsWith("n2", StringComparison.Ordinal) || line.EndsWith("n3", StringComparison.Ordinal));
        Assert.Equal(3, survived.Count);
    }
}
