using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using ClusterFs.Node.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace ClusterFs.Node.Tests.Metrics;

/// <summary>The metrics as Prometheus reads them, and what is said and asked of them elsewhere.</summary>
public sealed partial class MetricsTextTests
{
    [Fact]
    public async Task Every_metric_is_exported_with_its_labels()
    {
        var text = await Scrape(FullScene.Create());

        Assert.Contains("""clusterfs_service_running{node="n1",service="wiki"} 1""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_running{node="n1",service="mail"} 0""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_at_risk_seconds{node="n1",service="wiki"} 1.5""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_standby_lag_seconds{node="n1",service="mail"} 3""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_dumps_total{node="n1",result="failed",service="wiki"} 1""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_ownerships_total{cause="failover",node="n1",service="wiki"} 1""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_guard_renewals_total{node="n1",outcome="unanswered",voter="n2"} 2""", text, StringComparison.Ordinal);
        Assert.Equal(MetricBook.All.Length, Types(text).Count);
    }

    [Fact]
    public async Task Other_files_are_told_of_by_content_config_file_and_path()
    {
        var text = await Scrape(FullScene.Create());

        Assert.Contains("""clusterfs_service_static_generation{content="www",node="n1",service="wiki"} 3""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_static_newest_generation{content="www",node="n1",service="wiki"} 4""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_static_current{content="www",node="n1",service="wiki"} 0""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_static_current{content="new",node="n1",service="wiki"} 1""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_static_unseen_seconds{content="www",node="n1",service="wiki"} 2""", text, StringComparison.Ordinal);
        Assert.DoesNotContain("""clusterfs_service_static_published_timestamp_seconds{content="new""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_config_version_info{config="nginx",node="n1",service="wiki",version="0123456789ab"} 1""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_config_versions_total{config="nginx",node="n1",result="failed",service="wiki"} 1""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_config_rollout_stopped{config="nginx",node="n1",service="wiki"} 1""", text, StringComparison.Ordinal);
        Assert.DoesNotContain("""clusterfs_service_config_rollout_stopped{config="postfix""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_seeded_edited{file="/etc/wiki.conf",node="n1",service="wiki"} 1""", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_service_seeded_failures_total{file="/etc/wiki.conf",node="n1",service="wiki"} 9""", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_known_is_not_there()
    {
        var text = await Scrape(new Scene("n1", "1.2.3"));

        Assert.DoesNotContain("clusterfs_service_", text, StringComparison.Ordinal);
        Assert.DoesNotContain("clusterfs_guard_leases", text, StringComparison.Ordinal);
        Assert.Contains("""clusterfs_guard_up{node="n1"} 0""", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_left_of_one_scrape_in_the_next()
    {
        await Scrape(FullScene.Create());
        var text = await Scrape(FullScene.Create() with { Services = [] });

        Assert.DoesNotContain("service=\"mail\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_services_are_all_there()
    {
        var text = await Scrape(FullScene.Create(services: 1000));

        Assert.Equal(1000, text.Split('\n').Count(line => line.StartsWith("clusterfs_service_running{", StringComparison.Ordinal)));
        Assert.Equal(3000, text.Split('\n').Count(line => line.StartsWith("clusterfs_service_ownerships_total{", StringComparison.Ordinal)));
        Assert.DoesNotContain("otel_metric_overflow", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_documentation_has_every_metric_and_no_other()
    {
        var exported = Types(await Scrape(FullScene.Create()));
        var documented = Documented().Matches(File.ReadAllText(InRepository("docs/metrics.md")))
            .ToDictionary(match => match.Groups["name"].Value, match => match.Groups["type"].Value);

        Assert.Equal(exported.OrderBy(one => one.Key, StringComparer.Ordinal), documented.OrderBy(one => one.Key, StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("deploy/prometheus/alerts.yml")]
    [InlineData("deploy/prometheus/alerts.test.yml")]
    [InlineData("deploy/grafana/clusterfs.json")]
    public async Task Alerts_and_the_dashboard_ask_for_metrics_that_exist(string file)
    {
        var exported = Types(await Scrape(FullScene.Create()));
        var asked = Used().Matches(File.ReadAllText(InRepository(file))).Select(match => match.Value).ToHashSet();

        Assert.NotEmpty(asked);
        Assert.Empty(asked.Except(exported.Keys));
    }

    [Fact]
    public void The_dashboard_is_whole()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(InRepository("deploy/grafana/clusterfs.json")));
        var panels = dashboard.RootElement.GetProperty("panels").EnumerateArray().ToList();

        Assert.Equal(panels.Count, panels.Select(panel => panel.GetProperty("id").GetInt32()).Distinct().Count());
        Assert.All(
            panels.Where(panel => panel.GetProperty("type").GetString() != "row"),
            panel => Assert.All(panel.GetProperty("targets").EnumerateArray(), target => Assert.NotEqual("", target.GetProperty("expr").GetString())));
    }

    [SkippableFact]
    public async Task Promtool_finds_nothing_to_complain_of()
    {
        Skip.IfNot(File.Exists("/usr/bin/promtool"), "needs promtool (Debian: prometheus)");
        var rules = InRepository("deploy/prometheus");

        Promtool(rules, "", "check", "rules", "alerts.yml");
        Promtool(rules, "", "test", "rules", "alerts.test.yml");
        Promtool(rules, await Scrape(FullScene.Create()), "check", "metrics");
    }

    [SkippableFact]
    public void Promtool_reads_every_question_of_the_dashboard()
    {
        Skip.IfNot(File.Exists("/usr/bin/promtool"), "needs promtool (Debian: prometheus)");
        using var dashboard = JsonDocument.Parse(File.ReadAllText(InRepository("deploy/grafana/clusterfs.json")));
        var questions = dashboard.RootElement.GetProperty("panels").EnumerateArray()
            .Where(panel => panel.TryGetProperty("targets", out _))
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
            .Concat(dashboard.RootElement.GetProperty("annotations").GetProperty("list").EnumerateArray())
            .Select(one => one.GetProperty("expr").GetString()!)
            .Select(expr => expr.Replace("$__rate_interval", "5m", StringComparison.Ordinal).Replace("$service", ".*", StringComparison.Ordinal))
            .ToList();
        var directory = Directory.CreateTempSubdirectory("dashboard");
        try
        {
            var rules = questions.Select((expr, number) => $"  - record: r:q{number}\n    expr: {JsonSerializer.Serialize(expr)}\n");
            File.WriteAllText(Path.Combine(directory.FullName, "rules.yml"), $"groups:\n- name: dashboard\n  rules:\n{string.Concat(rules)}");
            Promtool(directory.FullName, "", "check", "rules", "rules.yml");
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    [Fact]
    public void Every_alert_has_a_test()
    {
        var rules = Alert().Matches(File.ReadAllText(InRepository("deploy/prometheus/alerts.yml"))).Select(match => match.Groups["name"].Value);
        var tests = File.ReadAllText(InRepository("deploy/prometheus/alerts.test.yml"));

        Assert.All(rules, rule => Assert.Contains($"ALERTS{{alertname=\"{rule}\",alertstate=\"firing\"}}", tests, StringComparison.Ordinal));
    }

    private static async Task<string> Scrape(Scene scene)
    {
        await using var services = new ServiceCollection().BuildServiceProvider();
        using var body = new MemoryStream();
        var context = new DefaultHttpContext { RequestServices = services, Response = { Body = body } };
        await MetricsText.WriteAsync(scene, context);
        Assert.Equal(200, context.Response.StatusCode);
        return System.Text.Encoding.UTF8.GetString(body.ToArray());
    }

    private static Dictionary<string, string> Types(string text) => TypeLine().Matches(text)
        .ToDictionary(match => match.Groups["name"].Value, match => match.Groups["type"].Value);

    private static void Promtool(string directory, string input, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/promtool", arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var said = process.StandardOutput.ReadToEnd() + process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, said);
    }

    private static string InRepository(string path)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "ClusterFs.sln")))
        {
            directory = directory.Parent;
        }

        return Path.Combine(directory.FullName, path);
    }

    [GeneratedRegex("^# TYPE (?<name>\\S+) (?<type>\\S+)$", RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    [GeneratedRegex("^\\| `(?<name>[a-z_]+)` \\| (?<type>gauge|counter) \\|", RegexOptions.Multiline)]
    private static partial Regex Documented();

    [GeneratedRegex("\\b(clusterfs|process)_[a-z_]+\\b")]
    private static partial Regex Used();

    [GeneratedRegex("- alert: (?<name>\\w+)")]
    private static partial Regex Alert();
}
