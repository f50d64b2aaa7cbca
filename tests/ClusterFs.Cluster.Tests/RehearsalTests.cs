using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Status;

namespace ClusterFs.Cluster.Tests;

public sealed class RehearsalTests
{
    private const string Service = "pages";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    /// <summary>Its own service, so that its check can be told what to find, and a short interval.</summary>
    [Fact]
    public async Task The_node_that_does_not_own_a_service_rehearses_it_says_what_fails_and_lets_go_for_a_takeover()
    {
        var instruction = Path.Combine(Path.GetTempPath(), $"clusterfs-rehearsal-{Guid.NewGuid():N}");
        await using var cluster = await LocalCluster.Create(new LocalClusterOptions
        {
            Name = "rehearsal",
            Nodes = 2,
            Ttl = TimeSpan.FromSeconds(4),
            StopBudget = TimeSpan.FromSeconds(1),
            FailoverMax = 0,
            Binaries = Binaries.Find(),
            Services =
            [
                new LocalService(
                    Service,
                    TimeSpan.FromSeconds(1),
                    node => ["sh", "-c", $"cd '{node.LivePath(Service)}' && while :; do date +%s > page.new && mv page.new page; sleep 0.5; done"],
                    $$"""live.rehearsal { every = 10s, check = "test -s page && if test -e {{instruction}}; then . {{instruction}}; fi" }"""),
            ],
        });
        try
        {
            foreach (var node in cluster.Nodes)
            {
                node.Start();
                node.StartRun(Service);
            }

            // It went well, and every node can tell.
            var first = await Until("a rehearsal went well", rehearsal => rehearsal is { Sequence: > 0, Checked: true, Problem: null, Seconds: > 0 });
            var owner = cluster.Node(first.Owner!);
            var other = cluster.Except(owner).Single();
            Assert.Equal(other.Name, Assert.Single(first.Rehearsals).Node);
            var place = Path.Combine(Path.GetDirectoryName(other.LivePath(Service))!, $".{Service}.clusterfs", "rehearsal");
            Assert.False(Directory.Exists(Path.Combine(Path.GetDirectoryName(owner.LivePath(Service))!, $".{Service}.clusterfs", "rehearsal")));
            await UntilSaid(owner, $"{Service}: rehearsed: {other.Name} #");

            // What fails is loud, and the last success is not forgotten.
            await Instruct("echo page 7 is torn; exit 7");
            var failed = await Until("a rehearsal failed", rehearsal => rehearsal.Problem is not null);
            Assert.Contains("exit code 7: page 7 is torn", failed.Rehearsals[0].Problem, StringComparison.Ordinal);
            Assert.True(failed.Rehearsals[0].Sequence > 0);
            Assert.Contains($"{Service}: THE REHEARSAL OF A RESTORE FAILED: dump ", DaemonLogOf(other), StringComparison.Ordinal);
            await UntilSaid(owner, $"{Service}: REHEARSAL FAILS on {other.Name}: ");

            // One that hangs is in nobody's way: the service moves there, and it is gone.
            await Instruct($"echo $$ > {instruction}.child; sleep 300");
            await Eventually.True(
                "a check hangs",
                Patience,
                () => File.Exists($"{instruction}.child") && File.ReadAllText($"{instruction}.child").EndsWith('\n'),
                cluster.Evidence);
            var checking = int.Parse(await File.ReadAllTextAsync($"{instruction}.child"), System.Globalization.CultureInfo.InvariantCulture);
            Assert.Contains(checking, other.Processes());
            (await owner.Clusterfs("move", Service, "--to", other.Name)).Successful();
            await Eventually.True(
                "the check and what it looked at are gone",
                TimeSpan.FromSeconds(5),
                () => !other.Processes().Contains(checking) && !Directory.EnumerateDirectories(place).Any(),
                cluster.Evidence);
        }
        finally
        {
            File.Delete(instruction);
            File.Delete($"{instruction}.child");
        }

        Task<ServiceStatus> Until(string what, Func<RehearsalStatus, bool> holds) =>
            cluster.UntilService(Service, what, Patience, service => service.IsOwned && service.Rehearsals.Any(holds));

        // The node itself knows it a moment before the others.
        Task UntilSaid(ClusterNode node, string words) => Eventually.Get(
            $"{node.Name} says '{words}'",
            Patience,
            async () => (await node.Clusterfs("status")).Output is var said && said.Contains(words, StringComparison.Ordinal) ? said : null,
            cluster.Evidence);

        async Task Instruct(string script)
        {
            await File.WriteAllTextAsync($"{instruction}.new", script + "\n");
            File.Move($"{instruction}.new", instruction, overwrite: true);
        }
    }

    private static string DaemonLogOf(ClusterNode node) => File.ReadAllText(Path.Combine(node.LogDirectory, "daemon.log"));
}
