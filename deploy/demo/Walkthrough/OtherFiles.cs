using System.Globalization;
using System.Text.Json.Nodes;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Demo.Walkthrough;

/// <summary>
/// The guestbook's files besides its live content: pages that are published, configuration that goes from node to node, a file that each node renders, logs.
/// An nginx on each node reads them, where it is installed; elsewhere a check of a line does what <c>nginx -t</c> would.
/// </summary>
internal sealed class OtherFiles(LocalCluster cluster, Report report, CancellationToken cancelled)
{
    private const string Service = GuestbookService.Name;
    private const string Nginx = "/usr/sbin/nginx";

    /// <summary>nginx writes over its environment, in which everything of the demo is marked: so it is told when the shell that is marked has ended.</summary>
    private const string Follower = "/usr/bin/setpriv";
    private const int Pages = 100;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MostApart = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan HttpPatience = TimeSpan.FromSeconds(5);

    private static bool HasNginx => File.Exists(Nginx) && File.Exists(Follower);

    private string Settings => Path.Combine(cluster.SharedDirectory, "site", "site.conf");

    private string Template => Path.Combine(cluster.SharedDirectory, "site", "name.conf.in");

    /// <summary>What an administrator writes, before the nodes start.</summary>
    public static void Configure(LocalCluster cluster)
    {
        var files = new OtherFiles(cluster, null!, CancellationToken.None);
        Directory.CreateDirectory(Path.GetDirectoryName(files.Settings)!);
        File.WriteAllText(files.Settings, Motto("slow and steady"));
        File.WriteAllText(files.Template, Greeting("hello"));
        foreach (var node in cluster.Nodes)
        {
            Directory.CreateDirectory(Path.Combine(Web(node), "log"));
            File.WriteAllText(Configuration(node), ConfigurationFor(node));
            File.WriteAllText(Check(node), CheckFor(node));

            // On real nodes, the paths are the same on all of them, and all of this is in the shared file.
            File.AppendAllText(node.ConfigurationFile, $$""""
                clusterfs { config.poll-every = 500ms, seeded.poll-every = 500ms }
                clusterfs.services.{{Service}} {
                  static.pages { path = "{{Web(node)}}/pages", cache = local }
                  config.site { source = site/site.conf, copy = "{{Included(node)}}", check = "sh {{Check(node)}}", reload = """{{ReloadOn(node)}}""" }
                  seeded."{{Rendered(node)}}" { template = site/name.conf.in, reload = """{{ReloadOn(node)}}""" }
                  logs { link = "{{Web(node)}}/log" }
                }

                """");
        }
    }

    public async Task Run()
    {
        report.Step("Its other files: pages, configuration, a rendered file, logs");
        await Publish();
        if (HasNginx)
        {
            await StartServers();
        }

        await ChangeAndRender();
        await ReadLogs();
    }

    private async Task Publish()
    {
        var site = Path.Combine(cluster.Directory, "site");
        Directory.CreateDirectory(site);
        for (var page = 1; page <= Pages; page++)
        {
            File.WriteAllText(Path.Combine(site, $"page{page}.html"), $"<h1>Page {page}</h1>\n");
        }

        var node = cluster.Nodes[0];
        var published = (await node.Clusterfs("static", "publish", $"{Service}/pages", site)).Successful();
        report.Quote($"clusterfs static publish {Service}/pages {site}", published.Output);
        Require(
            cluster.Nodes.All(one => File.Exists(Path.Combine(Web(one), "pages", $"page{Pages}.html"))), "every node has every page");
        var switched = (await StatesOf("static")).Select(one => (DateTimeOffset)one["switchedAt"]!).ToList();
        var apart = switched.Max() - switched.Min();
        Require(apart < MostApart, $"the nodes switched within {Report.Seconds(MostApart)} of each other, not {Report.Seconds(apart)}");
        report.Observed($"all three serve it, and switched within {apart.TotalMilliseconds:0} ms of each other");
        report.Figure("static content: nodes switched within", $"{apart.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture)} ms", "200 ms");
    }

    private async Task StartServers()
    {
        foreach (var node in cluster.Nodes)
        {
            LaunchedProcess.Start(
                $"{node.Name} nginx", Path.Combine(node.LogDirectory, "nginx.log"), node.Directory, cluster.EnvironmentOf(node.Name),
                ["/bin/sh", "-c", $"{Follower} --pdeathsig TERM {Nginx} -e stderr -c {Configuration(node)} & wait"]);
            await Eventually.Get($"nginx of {node.Name} serves page 1", Patience, () => Fetch(node), cluster.Evidence, cancelled);
        }

        report.Say($"an nginx on each node serves these pages, and includes the two files that follow");
    }

    private async Task ChangeAndRender()
    {
        var (first, last) = (cluster.Nodes[0], cluster.Nodes[^1]);
        await Until("config", "all use the first version", all => all.All(one => (string?)one["state"] == "current"));
        await Until("seeded", "all have rendered", all => all.All(one => (string?)one["state"] == "current"));
        File.WriteAllText(Settings, Motto("fast").TrimEnd().TrimEnd(';'));
        File.WriteAllText(Template, Greeting("good day"));
        report.Say($"two files on shared storage are changed: a configuration, with its semicolon forgotten, and a template");
        var diff = (await first.Clusterfs("seeded", "diff", Service, "--node", last.Name)).Successful();
        report.Quote($"clusterfs seeded diff {Service} --node {last.Name}", diff.Output);
        await Until("seeded", "all have rendered the new one", all => all.All(one => (string?)one["state"] == "current") && cluster.Nodes.All(node => RenderedOn(node) == GreetingOf(node)));
        report.Observed($"each node has rendered its own, {last.Name} for instance: {RenderedOn(last)}");

        await Until("config", "the wrong version is refused", all => all.Any(one => (string?)one["state"] == "failed"));
        report.Quote($"clusterfs config status {Service}", (await first.Clusterfs("config", "status", Service)).Output);
        Require(cluster.Nodes.All(node => File.ReadAllText(Included(node)) == Motto("slow and steady")), "the old configuration stays everywhere");
        await RequireServed("slow and steady");
        report.Observed($"{first.Name} refused it, and it went no further; all use the old one");
        report.Figure("wrong configuration: reached", "0 nodes", "0");

        File.WriteAllText(Settings, Motto("fast"));
        var applied = (await first.Clusterfs("config", "apply", Service)).Successful();
        report.Quote($"clusterfs config apply {Service}", applied.Output);
        Require(cluster.Nodes.All(node => File.ReadAllText(Included(node)) == Motto("fast")), "the right configuration is everywhere");
        await RequireServed("fast");
        report.Observed($"the right one went from node to node and is in use on all three");
        report.Figure("right configuration: reached", "3 nodes", "3");
    }

    private async Task ReadLogs()
    {
        var logs = (await cluster.Nodes[1].Clusterfs("logs", Service, "--log", "reload.log", "--since", "15s")).Successful().Output;
        report.Quote($"clusterfs logs {Service} --log reload.log --since 15s", logs);
        var told = logs.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Require(cluster.Nodes.All(node => told.Any(line => line.StartsWith($"{node.Name} ", StringComparison.Ordinal))), "there are lines of every node");
        var times = told.Select(line => line.Split(' ', 3)[2]).ToList();
        Require(times.SequenceEqual(times.Order(StringComparer.Ordinal)), "the lines are in the order of their times");
        report.Observed($"each node's log is on shared storage; {told.Length} lines of three nodes are read as one, by time");
    }

    private static string Motto(string words) => $"add_header X-Motto \"{words}\";\n";

    private static string Greeting(string words) => $"add_header X-Served-By \"{words} from %NODE% at %ADDRESS%\";\n";

    private static string GreetingOf(ClusterNode node) =>
        Greeting("good day").Replace("%NODE%", node.Name, StringComparison.Ordinal).Replace("%ADDRESS%", node.Address, StringComparison.Ordinal).TrimEnd();

    private static string Web(ClusterNode node) => Path.Combine(node.Directory, "web");

    private static string Configuration(ClusterNode node) => Path.Combine(Web(node), "nginx.conf");

    private static string Check(ClusterNode node) => Path.Combine(Web(node), "check.sh");

    private static string Included(ClusterNode node) => Path.Combine(Web(node), "site.conf");

    private static string Rendered(ClusterNode node) => Path.Combine(Web(node), "name.conf");

    private static string RenderedOn(ClusterNode node) => File.ReadAllText(Rendered(node)).TrimEnd();

    private static Uri AddressOf(ClusterNode node) => new(string.Create(CultureInfo.InvariantCulture, $"http://{node.Address}:{node.ServicePort + 1}/page1.html"));

    private static string ConfigurationFor(ClusterNode node) => string.Create(CultureInfo.InvariantCulture, $$"""
        user root;
        daemon off;
        worker_processes 1;
        pid {{Web(node)}}/nginx.pid;
        error_log {{Web(node)}}/log/error.log;
        events {}
        http {
          access_log {{Web(node)}}/log/access.log;
          client_body_temp_path {{Web(node)}}/temp1; proxy_temp_path {{Web(node)}}/temp2; fastcgi_temp_path {{Web(node)}}/temp3;
          uwsgi_temp_path {{Web(node)}}/temp4; scgi_temp_path {{Web(node)}}/temp5;
          server {
            listen {{AddressOf(node).Authority}};
            root {{Web(node)}}/pages;
            include {{Included(node)}};
            include {{Web(node)}}/name.con[f];
          }
        }

        """);

    /// <summary>Prints what is wrong, in a line.</summary>
    private static string CheckFor(ClusterNode node) => HasNginx
        ? $$"""
            sed "s#$CLUSTERFS_TARGET#$CLUSTERFS_STAGED#" {{Configuration(node)}} > {{Web(node)}}/check.conf
            said=$({{Nginx}} -t -q -e stderr -c {{Web(node)}}/check.conf 2>&1) && exit
            echo "$said" | sed -n "s#$CLUSTERFS_STAGED#site.conf#; s#.*emerg. [0-9]*.[0-9]*: #nginx: #p"
            exit 1

            """
        : """
            awk '!/;$/ { print "site.conf: line " NR " ends without a semicolon"; bad = 1 } END { exit bad }' "$CLUSTERFS_STAGED"

            """;

    private static string ReloadOn(ClusterNode node) =>
        $"printf '%s reloaded %.12s\\n' \"$(date -u +%Y-%m-%dT%H:%M:%S.%3NZ)\" \"${{CLUSTERFS_VERSION:-name.conf}}\" >> {Web(node)}/log/reload.log; "
        + $"if [ -e {Web(node)}/nginx.pid ]; then kill -HUP $(cat {Web(node)}/nginx.pid); fi";

    /// <summary>What each server says by now; a reload returns before what it loads is in use.</summary>
    private async Task RequireServed(string motto)
    {
        foreach (var node in HasNginx ? cluster.Nodes : [])
        {
            await Eventually.Get(
                $"nginx of {node.Name} has the motto '{motto}'", HttpPatience, async () => await Fetch(node) is { } said && said.Contains(motto, StringComparison.Ordinal) ? said : null,
                cluster.Evidence, cancelled);
        }
    }

    /// <returns>Two headers; null where nobody answers.</returns>
    private async Task<string?> Fetch(ClusterNode node)
    {
        using var http = new HttpClient { Timeout = HttpPatience };
        try
        {
            using var answer = await http.GetAsync(AddressOf(node), cancelled);
            return answer.IsSuccessStatusCode
                ? string.Join(' ', answer.Headers.Where(header => header.Key.StartsWith("X-", StringComparison.Ordinal)).SelectMany(header => header.Value))
                : null;
        }
        catch (Exception silence) when (silence is HttpRequestException or TaskCanceledException && !cancelled.IsCancellationRequested)
        {
            return null;
        }
    }

    private Task<string> Until(string kind, string what, Func<IReadOnlyList<JsonNode>, bool> holds) => Eventually.Get(
        what,
        Patience,
        async () => await StatesOf(kind) is { Count: > 0 } all && all.Count == cluster.Nodes.Count && holds(all) ? what : null,
        cluster.Evidence,
        cancelled);

    private async Task<IReadOnlyList<JsonNode>> StatesOf(string kind)
    {
        var status = await cluster.Nodes[0].Clusterfs("status", Service, "--json");
        return status.ExitCode != 0 ? [] : [.. JsonNode.Parse(status.Output)!["services"]![0]![kind]!.AsArray().Select(one => one!)];
    }

    private void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new ConditionNotMetException($"not as it should be: {what}{Environment.NewLine}{cluster.Evidence()}");
        }
    }
}
