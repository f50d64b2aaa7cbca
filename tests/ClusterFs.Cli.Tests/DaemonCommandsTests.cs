using System.Text.Json.Nodes;
using ClusterFs.Api;
using ClusterFs.Cli.Commands;
using Microsoft.AspNetCore.Http;

namespace ClusterFs.Cli.Tests;

public sealed class DaemonCommandsTests : IDisposable
{
    private static readonly StatusReport Report = new(
        "n1",
        new ClusterStatus(true, [new MemberStatus("n1", "127.0.0.1:4053", "up", true), new MemberStatus("n2", "127.0.0.2:4053", "up", false)], ["n1", "n2", "n3"]),
        new SelfStatus(true, null, "0a1b", false),
        [
            new ServiceStatus(
                "blog", ServiceState.Vacant, null, 0, null, null, null, [], 0, false, "nobody asks for it", null, null),
            new ServiceStatus(
                "wiki",
                ServiceState.Owned,
                "n1",
                7,
                4200,
                new DumpPoint(7, 12, new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), 5120),
                new RiskStatus(3.1, 81920),
                [],
                2,
                false,
                null,
                new PhaseStatus("running", true, 4711, null),
                new DumpHealth(false, "the shared directory cannot be read", null, "sqlite", "each database is consistent in itself")
                {
                    Kept = new KeptStatus(2, 3L << 30, "db lies in too many pieces"),
                }),
        ]);

    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Status_is_a_table_and_what_there_is_to_know_about_it()
    {
        await using var daemon = await FakeDaemon.WithStatusAsync(_cli.Socket, Report);
        var outcome = await _cli.RunAsync("status");
        Assert.Equal((ExitCodes.Done, ""), (outcome.ExitCode, outcome.Error));
        var lines = outcome.Output.Split('\n');
        Assert.Equal("Seen from n1: quorum; n1 up, n2 up (unreachable); voters n1, n2, n3", lines[0]);
        Assert.Matches("^SERVICE  STATE   OWNER  EPOCH  LEASE  LAST DUMP +AT RISK +DIVERGENT$", lines[1]);
        Assert.Matches("^blog     vacant  -      -      -      - +- +0$", lines[2]);
        Assert.Matches("^wiki     owned   n1     7      4.2 s  #12, .* ago +3.1 s, 80 KiB  2$", lines[3]);
        Assert.Equal(
            [
                "blog: nobody asks for it",
                "wiki: dumps fail (the shared directory cannot be read): what is at risk grows.",
                "wiki: 2 large files kept for the next dump, 3 GiB; not all, because db lies in too many pieces",
                "wiki: dumps (sqlite): each database is consistent in itself",
                "wiki: 2 divergent, see 'clusterfs divergent list wiki'.",
                "AT RISK is what was written since the last dump: lost in a failover, kept in a move.",
                "",
            ],
            lines[4..]);
    }

    [Fact]
    public async Task What_is_paused_or_drained_is_said_first_until_it_is_off()
    {
        var report = Report with
        {
            Services = [Report.Services[0], Report.Services[1] with { Paused = true, Placement = ["will go back to n2 in 4m"] }],
            Cluster = Report.Cluster with
            {
                Members = [Report.Cluster.Members[0], Report.Cluster.Members[1] with { DrainedSince = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero) }],
            },
        };
        await using var daemon = await FakeDaemon.WithStatusAsync(_cli.Socket, report);
        var lines = (await _cli.RunAsync("status")).Output.Split('\n');
        Assert.Equal("PAUSED: wiki: nothing is granted or moved by itself; 'clusterfs resume wiki' ends it.", lines[1]);
        Assert.StartsWith("DRAINED: n2, since ", lines[2], StringComparison.Ordinal);
        Assert.Contains("wiki: will go back to n2 in 4m.", lines);
        var json = JsonNode.Parse((await _cli.RunAsync("status", "--json")).Output)!;
        Assert.Equal("2026-01-02T03:04:05+00:00", (string?)json["cluster"]!["members"]![1]!["drainedSince"]);
    }

    [Fact]
    public void What_left_a_drained_node_and_runs_nowhere_is_not_taken_for_moved()
    {
        var after = Report with { Services = [Report.Services[0], Report.Services[1] with { State = ServiceState.Vacant, Owner = null }] };
        Assert.Equal(["wiki"], NodeDrainCommand.Nowhere(Report, after, "n1").Select(service => service.Name));
        Assert.Equal(["wiki"], NodeDrainCommand.Nowhere(Report, Report, "n1").Select(service => service.Name));
        after = Report with { Services = [Report.Services[0], Report.Services[1] with { Owner = "n2" }] };
        Assert.Empty(NodeDrainCommand.Nowhere(Report, after, "n1"));
        Assert.Empty(NodeDrainCommand.Nowhere(Report, after with { Services = Report.Services }, "n2"));
    }

    [Fact]
    public async Task Logs_that_do_not_go_to_shared_storage_are_lines_of_the_status()
    {
        var now = TimeProvider.System.GetUtcNow();
        LogsStatus[] logs =
        [
            new("/var/log/wiki", "spool", now - TimeSpan.FromHours(2), 2048) { Problem = "shared storage does not answer" },
            new("/var/log/good", "shared", now, 0),
            new("/var/log/held", "shared", now, 1024) { StillOpen = 2 },
            new("/var/log/late", "shared", now, 1024),
            new("/var/log/other", "unlinked", now, 0) { Problem = "it is a file" },
        ];
        var report = Report with { Services = [Report.Services[0] with { Logs = [.. logs] }] };
        await using var daemon = await FakeDaemon.WithStatusAsync(_cli.Socket, report);
        Assert.Equal(
            [
                "blog: n1: /var/log/wiki: SPOOLED on its own disk for 2 h 0 min, 2 KiB to be moved (shared storage does not answer)",
                "blog: n1: /var/log/held: 2 earlier log files still open, 1 KiB to be moved",
                "blog: n1: /var/log/late: on shared storage, 1 KiB to be moved",
                "blog: n1: /var/log/other: logs do not go to shared storage (it is a file)",
            ],
            (await _cli.RunAsync("status")).Output.Split('\n').Where(line => line.Contains("/var/log", StringComparison.Ordinal)));
        var json = JsonNode.Parse((await _cli.RunAsync("status", "--json")).Output)!["services"]![0]!["logs"]![0]!;
        Assert.Equal(("/var/log/wiki", "spool", 2048L), ((string?)json["link"], (string?)json["goes"], (long?)json["waitingBytes"]));
    }

    [Fact]
    public async Task A_journal_that_does_not_answer_is_a_line_of_the_status()
    {
        var since = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var cluster = Report.Cluster with { Journal = new JournalStatus(false, since, "connection refused") };
        await using var daemon = await FakeDaemon.WithStatusAsync(_cli.Socket, Report with { Cluster = cluster });
        var outcome = await _cli.RunAsync("status");
        Assert.Matches(
            @"\nn1: the journal has not answered for .* \(connection refused\): services run on, ownership does not change\.\n", outcome.Output);
        var journal = JsonNode.Parse((await _cli.RunAsync("status", "--json")).Output)!["cluster"]!["journal"]!;
        Assert.Equal((false, "2026-01-02T03:04:05+00:00"), ((bool?)journal["reachable"], (string?)journal["since"]));
    }

    [Fact]
    public async Task Standbys_are_a_line_of_the_status()
    {
        var wiki = Report.Services[1] with
        {
            Standbys =
            [
                new StandbyStatus("n2", 12, 0, null),
                new StandbyStatus("n3", 11, 5.04, null) { Problem = "the disk is full" },
                new StandbyStatus("n4", 0, null, null),
            ],
        };
        await using var daemon = await FakeDaemon.WithStatusAsync(_cli.Socket, Report with { Services = [wiki] });
        Assert.Contains(
            "\nwiki: standbys: n2 #12, the newest; n3 #11, 5.0 s behind (the disk is full); n4 no copy yet\n",
            (await _cli.RunAsync("status")).Output,
            StringComparison.Ordinal);
        var standbys = JsonNode.Parse((await _cli.RunAsync("status", "--json")).Output)!["services"]![0]!["standbys"]!;
        Assert.Equal("""{"node":"n2","sequence":12,"lagSeconds":0,"rehearsedSeconds":null,"problem":null}""", standbys[0]!.ToJsonString());
    }

    [Fact]
    public async Task Rehearsals_are_a_line_of_the_status_and_one_that_fails_is_one_of_its_own()
    {
        var hourAgo = TimeProvider.System.GetUtcNow().AddHours(-1);
        var wiki = Report.Services[1] with
        {
            Rehearsals =
            [
                new RehearsalStatus("n2", 12, hourAgo, 1.9, true),
                new RehearsalStatus("n3", 11, hourAgo, 2, false) { Problem = "dump #12: its check failed: exit code 1", FailedAt = hourAgo },
                new RehearsalStatus("n4", 0, null, null, false) { Problem = "There is no room.", UnderWay = true },
                new RehearsalStatus("n5", 10, hourAgo, 61, false),
                new RehearsalStatus("n6", 0, null, null, false) { UnderWay = true },
                new RehearsalStatus("n7", 9, hourAgo, 2, false) { Problem = "it has not come on for 60 s", FailedAt = hourAgo, UnderWay = true, Hangs = true },
            ],
        };
        await using var daemon = await FakeDaemon.WithStatusAsync(_cli.Socket, Report with { Services = [wiki] });
        var outcome = await _cli.RunAsync("status");
        Assert.Equal(ExitCodes.Done, outcome.ExitCode);
        Assert.Contains(
            "\nwiki: REHEARSAL FAILS on n3: dump #12: its check failed: exit code 1. The last that went well: #11, 1 h 0 min ago."
            + "\nwiki: REHEARSAL FAILS on n4: There is no room. None went well there yet."
            + "\nwiki: REHEARSAL HANGS on n7: it has not come on for 60 s. The last that went well: #9, 1 h 0 min ago."
            + "\nwiki: rehearsed: n2 #12 restored and checked in 1.9 s, 1 h 0 min ago; n5 #10 restored in 1 min 1 s, 1 h 0 min ago\n",
            outcome.Output,
            StringComparison.Ordinal);
        var rehearsals = JsonNode.Parse((await _cli.RunAsync("status", "--json")).Output)!["services"]![0]!["rehearsals"]!;
        Assert.Equal((6, "n2", 12, 1.9, true, null, false), (
            rehearsals.AsArray().Count,
            (string?)rehearsals[0]!["node"],
            (long)rehearsals[0]!["sequence"]!,
            (double)rehearsals[0]!["seconds"]!,
            (bool)rehearsals[0]!["checked"]!,
            (string?)rehearsals[0]!["problem"],
            (bool)rehearsals[0]!["underWay"]!));
        Assert.Equal("There is no room.", (string?)rehearsals[2]!["problem"]);
    }

    [Fact]
    public async Task What_is_frozen_is_a_line_of_the_status_of_its_node()
    {
        var wiki = Report.Services[1] with { Owner = "n2", Phase = new PhaseStatus("stopping", true, 4711, null) { Frozen = true } };
        await using var daemon = await FakeDaemon.WithStatusAsync(_cli.Socket, Report with { Services = [wiki] });
        Assert.Contains("\nwiki: FROZEN on n1, where its lease was lost: ", (await _cli.RunAsync("status")).Output, StringComparison.Ordinal);
        var phase = JsonNode.Parse((await _cli.RunAsync("status", "--json")).Output)!["services"]![0]!["phase"]!;
        Assert.True((bool?)phase["frozen"]);
    }

    [Theory]
    [InlineData(-1, "expired")]
    [InlineData(29, "expires")]
    public async Task A_certificate_that_ends_soon_is_a_line_of_the_status(int days, string word)
    {
        var self = Report.Self with { CertificateExpires = TimeProvider.System.GetUtcNow().AddDays(days) };
        await using var daemon = await FakeDaemon.WithStatusAsync(_cli.Socket, Report with { Self = self });
        Assert.Contains($"\nn1: its certificate {word} on ", (await _cli.RunAsync("status")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_is_good_for_long_is_none()
    {
        var self = Report.Self with { CertificateExpires = TimeProvider.System.GetUtcNow().AddDays(31) };
        await using var daemon = await FakeDaemon.WithStatusAsync(_cli.Socket, Report with { Self = self });
        Assert.DoesNotContain("its certificate", (await _cli.RunAsync("status")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_in_JSON_has_the_names_that_monitoring_relies_on()
    {
        await using var daemon = await FakeDaemon.WithStatusAsync(_cli.Socket, Report);
        var outcome = await _cli.RunAsync("status", "wiki", "--json");
        var document = JsonNode.Parse(outcome.Output)!;
        Assert.Equal("n1", (string?)document["node"]);
        Assert.True((bool?)document["cluster"]!["quorum"]);
        Assert.Equal("127.0.0.2:4053", (string?)document["cluster"]!["members"]![1]!["address"]);
        var service = Assert.Single(document["services"]!.AsArray())!;
        Assert.Equal(
            ("wiki", "owned", "n1", 7, 4200),
            ((string?)service["name"], (string?)service["state"], (string?)service["owner"], (int?)service["epoch"], (int?)service["leaseRemainingMs"]));
        var dump = service["lastDump"]!;
        Assert.Equal(
            (7, 12, "2026-01-02T03:04:05+00:00", 5120),
            ((int?)dump["epoch"], (int?)dump["sequence"], (string?)dump["at"], (int?)dump["bytes"]));
        Assert.Equal("""{"seconds":3.1,"bytes":81920}""", service["atRisk"]!.ToJsonString());
        Assert.Equal((0, 2, false), (service["standbys"]!.AsArray().Count, (int?)service["divergent"], (bool?)service["paused"]));
        Assert.True(service.AsObject().ContainsKey("reason"));
        Assert.Null(service["reason"]);
    }

    [Fact]
    public async Task A_move_says_where_the_service_is_now()
    {
        string? asked = null;
        await using var daemon = await FakeDaemon.StartAsync(_cli.Socket, "POST", "/v1/services/wiki/move", async context =>
        {
            asked = await new StreamReader(context.Request.Body).ReadToEndAsync();
            await context.Response.WriteAsJsonAsync(new MoveReport("wiki", "n1", "n2", 8), ApiJson.Default.MoveReport);
        });
        var outcome = await _cli.RunAsync("move", "wiki", "--to", "n2");
        Assert.Equal((ExitCodes.Done, "wiki moved from n1 to n2, epoch 8.\n", ""), (outcome.ExitCode, outcome.Output, outcome.Error));
        Assert.Equal("""{"to":"n2"}""", asked);
    }

    [Fact]
    public async Task A_pause_and_its_end_say_what_became_of_each_service()
    {
        await using var daemon = await FakeDaemon.StartAsync(_cli.Socket, "POST", ApiRoutes.Resume, context => context.Response.WriteAsJsonAsync(
            new PauseReport((string)context.Request.RouteValues["service"]!, false, "resumed"), ApiJson.Default.PauseReport));
        var outcome = await _cli.RunAsync("resume");
        Assert.Equal((ExitCodes.Done, "wiki: resumed.\n", ""), (outcome.ExitCode, outcome.Output, outcome.Error));
        outcome = await _cli.RunAsync("resume", "wiki", "--json");
        Assert.Equal("[{\"service\":\"wiki\",\"paused\":false,\"message\":\"resumed\"}]\n", outcome.Output);
    }

    [Theory]
    [InlineData(StatusCodes.Status409Conflict, ExitCodes.Refused)]
    [InlineData(StatusCodes.Status404NotFound, ExitCodes.Usage)]
    [InlineData(StatusCodes.Status504GatewayTimeout, ExitCodes.TimedOut)]
    [InlineData(StatusCodes.Status500InternalServerError, ExitCodes.Failed)]
    public async Task A_refusal_is_told_in_the_daemons_words(int status, int exitCode)
    {
        await using var daemon = await FakeDaemon.RefusingAsync(
            _cli.Socket, ApiRoutes.Dump, status, new ApiError("n1 does not own wiki, n2 does", "ask there"));
        var outcome = await _cli.RunAsync("dump", "wiki");
        Assert.Equal((exitCode, "", "clusterfs: n1 does not own wiki, n2 does; ask there\n"), (outcome.ExitCode, outcome.Output, outcome.Error));
    }

    [Fact]
    public async Task A_daemon_that_does_not_answer_is_exit_code_5()
    {
        await using var daemon = await FakeDaemon.StartAsync(
            _cli.Socket, "POST", ApiRoutes.Dump, context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        var outcome = await _cli.RunAsync("dump", "wiki", "--timeout", "200ms");
        Assert.Equal(ExitCodes.TimedOut, outcome.ExitCode);
        Assert.StartsWith(
            "clusterfs: the daemon did not answer POST /v1/services/wiki/dump on clusterfs.sock within 0.2 s; ", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_of_another_kind_is_a_failure_and_no_crash()
    {
        await using var daemon = await FakeDaemon.StartAsync(_cli.Socket, "GET", ApiRoutes.Status, context => context.Response.WriteAsync("hello"));
        var outcome = await _cli.RunAsync("status");
        Assert.Equal(ExitCodes.Failed, outcome.ExitCode);
        Assert.StartsWith("clusterfs: the daemon's answer to /v1/status cannot be understood; ", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task History_is_told_in_order()
    {
        var report = new HistoryReport(
            "wiki",
            [new HistoryEntry(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), "granted", 7, "n1", "n1 owns it: the service had no owner")]);
        await using var daemon = await FakeDaemon.StartAsync(
            _cli.Socket, "GET", ApiRoutes.History, context => context.Response.WriteAsJsonAsync(report, ApiJson.Default.HistoryReport));
        var outcome = await _cli.RunAsync("history", "wiki");
        Assert.Equal(
            "TIME                      EVENT    EPOCH  NODE  WHAT HAPPENED\n"
            + "2026-01-02 03:04:05.000Z  granted  7      n1    n1 owns it: the service had no owner\n",
            outcome.Output);
    }
}
