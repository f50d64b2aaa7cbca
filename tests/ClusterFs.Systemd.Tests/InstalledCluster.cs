using System.Globalization;
using System.Text;
using ClusterFs.Demo;
using ClusterFs.Posix;
using ClusterFs.Systemd.Tests.Rig;

namespace ClusterFs.Systemd.Tests;

[CollectionDefinition(nameof(InstalledCluster))]
public sealed class InstalledClusterCollection : ICollectionFixture<InstalledCluster>;

/// <summary>
/// Three servers and a database, set up as the tutorial says, with a service that says what it has written. Booted for the first test that
/// asks for it, and shared: each test begins with <see cref="Settle"/>.
/// </summary>
public sealed class InstalledCluster : IAsyncLifetime
{
    public const string Unit = "diary.service";

    /// <summary>
    /// The service runs somewhere and the other two have a copy. All three are members that hear one another: what a node said of its copy is known for
    /// longer than the node is there.
    /// </summary>
    internal const string AllAreWarm = """
        clusterfs status diary --json | python3 -c '
        import json, sys
        status = json.load(sys.stdin)
        service = status["services"][0]
        warm = [standby for standby in service["standbys"] if standby["lagSeconds"] is not None and standby["problem"] is None]
        up = [member for member in status["cluster"]["members"] if member["status"] == "up" and member["reachable"]]
        sys.exit(0 if service["state"] == "owned" and len(warm) == 2 and len(up) == 3 else 1)
        '
        """;

    /// <summary>In characters, for each test but the first, which has all of it.</summary>
    private const int ShownOfFailure = 1000;

    private static readonly TimeSpan SettlePatience = TimeSpan.FromMinutes(2);
    private SystemdHosts? _hosts;
    private string? _failure;

    internal static string[] Nodes { get; } = ["n1", "n2", "n3"];

    internal SystemdHosts Hosts => _hosts ?? throw new InvalidOperationException("not settled yet");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_hosts is not null)
        {
            await _hosts.DisposeAsync();
        }
    }

    /// <summary>All three are up, the service runs on n1 and the other two have a copy of its newest dump.</summary>
    internal async Task Settle()
    {
        Skip.If(Needs.Missing.Length > 0, Needs.Missing);
        Assert.True(_failure is null, $"the cluster could not be set up: {_failure}");
        try
        {
            _hosts ??= await Build();
        }
        catch (Exception failure)
        {
            _failure = failure.Message[..Math.Min(failure.Message.Length, ShownOfFailure)];
            throw;
        }

        await Until("n1", "clusterfs status diary --json | grep -q '\"state\": *\"owned\"'");
        await Until("n1", $"clusterfs status diary | grep -q 'owned *n1' || clusterfs move diary --to n1; systemctl is-active {Unit}");
        await UntilWarm();
    }

    internal Task UntilWarm() => Until("n1", AllAreWarm);

    /// <summary>Waits for a command to succeed.</summary>
    internal Task Until(string host, string script) => Eventually.Get(
        $"on {host}: {script}",
        SettlePatience,
        async () => (await Hosts.Try(host, script)).ExitCode == 0 ? host : null);

    internal async Task<string?> Owner()
    {
        foreach (var node in Nodes)
        {
            if ((await Hosts.Try(node, $"systemctl is-active --quiet {Unit}")).ExitCode == 0)
            {
                return node;
            }
        }

        return null;
    }

    /// <summary>How the service takes SIGTERM from its next start on, on this node; null: it ends.</summary>
    internal Task Behave(string host, string? manner) =>
        Hosts.Run(host, $"rm -f /run/diary-*; {(manner is null ? "" : $"touch /run/diary-{manner};")} systemctl restart {Unit}");

    /// <summary>Waits until the process that runs there now has written something.</summary>
    internal async Task UntilItRuns(string node)
    {
        var process = await MainProcess(node, Unit);
        await Eventually.Get(
            $"process {process} writes", SettlePatience, () => Task.FromResult(LastEntry() is var last && last.Run.StartsWith($"{process}-", StringComparison.Ordinal) ? last : null));
    }

    internal async Task<string> MainProcess(string host, string unit) => await Hosts.Run(host, $"systemctl show --property=MainPID --value {unit}");

    /// <summary>What the service said that it has written: also of what a failover lost.</summary>
    internal IReadOnlyList<Entry> Acknowledged() =>
    [
        .. File.ReadAllLines(Path.Combine(Hosts.Common, "acknowledged"))
            .Select(line => line.Split(' '))
            .Where(fields => fields.Length == 4)
            .Select(fields => new Entry(
                int.Parse(fields[0], CultureInfo.InvariantCulture), fields[1], double.Parse(fields[2], CultureInfo.InvariantCulture), fields[3])),
    ];

    /// <summary>Waits until the service writes again, on one of these nodes.</summary>
    /// <param name="last">Before its end; of another run than what is waited for.</param>
    /// <returns>For how long nothing was written.</returns>
    internal async Task<TimeSpan> UntilWrittenAfter(Entry last, params string[] nodes)
    {
        var first = await Eventually.Get(
            $"the service writes on {string.Join(" or ", nodes)}",
            SettlePatience,
            () => Task.FromResult(Acknowledged().SkipWhile(entry => entry != last).FirstOrDefault(entry => entry.Run != last.Run && nodes.Contains(entry.Node))));
        var before = Acknowledged().TakeWhile(entry => entry != first).Last();
        return TimeSpan.FromSeconds(first.Uptime - before.Uptime);
    }

    /// <summary>No entry was written twice, because none was lost; what a killed run wrote last it may not have said.</summary>
    internal void NothingIsLostSince(Entry last)
    {
        var entries = Acknowledged().SkipWhile(entry => entry != last).ToList();
        Assert.NotEmpty(entries);
        for (var at = 1; at < entries.Count; at++)
        {
            Assert.InRange(entries[at].Number, entries[at - 1].Number + 1, entries[at - 1].Number + (entries[at].Run == entries[at - 1].Run ? 1 : 2));
        }
    }

    /// <summary>One writer: each run has ended before the next begins.</summary>
    internal void OneWroteAtATime()
    {
        var runs = new HashSet<string>();
        string? current = null;
        foreach (var entry in Acknowledged())
        {
            Assert.True(entry.Run == current || runs.Add(entry.Run), $"run {entry.Run} of {entry.Node} wrote again at {entry.Uptime}");
            current = entry.Run;
        }
    }

    internal Entry LastEntry() => Acknowledged()[^1];

    private static async Task<SystemdHosts> Build()
    {
        var hosts = await SystemdHosts.Boot([.. Nodes, "db"]);
        try
        {
            await SetUp(hosts);
            return hosts;
        }
        catch (Exception failure)
        {
            var told = await WhatHostsTell(hosts);
            _ = await hosts.TakeDown();
            throw new ConditionNotMetException($"{failure.Message}{Environment.NewLine}{told}");
        }
    }

    private static async Task<string> WhatHostsTell(SystemdHosts hosts)
    {
        var told = new StringBuilder();
        foreach (var host in (string[])[.. Nodes, "db"])
        {
            var tells = await hosts.Try(host, "systemctl list-jobs --no-pager; systemctl --failed --no-pager --plain; journalctl --no-pager --boot --lines 60; uptime");
            told.AppendLine(CultureInfo.InvariantCulture, $"--- {host}").AppendLine(tells.Output).AppendLine(tells.Error);
        }

        return told.ToString();
    }

    private static async Task SetUp(SystemdHosts hosts)
    {
        File.Copy(Needs.Package!, Path.Combine(hosts.Common, Path.GetFileName(Needs.Package!)));
        File.Copy(Path.Combine(AppContext.BaseDirectory, "Services", "diary.sh"), Path.Combine(hosts.Common, "diary.sh"));
        foreach (var node in Nodes)
        {
            await hosts.Run(node, "cp /common/*.deb /root/; install -m 755 /common/diary.sh /usr/local/bin/diary; mkdir -p /var/lib/diary");
            await hosts.Run(node, $"printf '[Service]\\nExecStart=/usr/local/bin/diary\\nTimeoutStopSec=12\\n' > /etc/systemd/system/{Unit}; systemctl daemon-reload");
        }

        await hosts.Run("db", "systemctl enable --now postgresql");
        await new Tutorial(hosts).Follow(1, 2, 3, 4);

        // To be ended again and again is what it is for.
        await hosts.Run("n1", "sed -i 's/unit = diary.service/&, failover.max = 0, stop-timeout = 3s/' /srv/shared/clusterfs/cluster.conf");

        // Further services, whose units are attached nowhere to begin with.
        await hosts.Run(
            "n1",
            """
            for s in spare alias frame; do
              echo "clusterfs.services.$s { unit = $s.service, live.path = /var/lib/$s }" >> /srv/shared/clusterfs/cluster.conf
            done
            """);
        foreach (var node in Nodes)
        {
            await hosts.Run(
                node,
                """
                mkdir -p /var/lib/spare /var/lib/alias /var/lib/frame
                printf '[Service]\nExecStart=/bin/sleep infinity\n' | tee /etc/systemd/system/spare.service > /etc/systemd/system/real.service
                printf '[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n' > /etc/systemd/system/frame.service
                ln -s real.service /etc/systemd/system/alias.service; systemctl daemon-reload
                systemctl restart clusterfs clusterfs-guard
                """);
        }

        foreach (var node in Nodes)
        {
            await hosts.Run(node, $"clusterfs systemd attach {Unit} diary");
        }
    }

    /// <param name="Uptime">In seconds; of the machine that all hosts are on.</param>
    /// <param name="Run">From one start of the service to its end.</param>
    internal sealed record Entry(int Number, string Node, double Uptime, string Run);
}
