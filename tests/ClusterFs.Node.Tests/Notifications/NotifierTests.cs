using System.Diagnostics;
using System.Text.Json;
using ClusterFs.Configuration;
using ClusterFs.Node.Notifications;
using ClusterFs.Ownership.Notifications;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Node.Tests.Notifications;

/// <summary>Real commands of <c>/bin/sh</c>.</summary>
public sealed class NotifierTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly Notification Failover = new(
        NotificationKind.Failover, "wiki", "n2", 8, "failover", "it runs on n2", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero))
    {
        DurationSeconds = 1.25,
        LostSeconds = 2.5,
        LostBytes = 4096,
    };

    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-notify-").FullName;
    private readonly Said _said = new();

    public void Dispose()
    {
        _said.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task The_facts_are_in_the_environment_and_on_standard_input()
    {
        await using var notifier = Create($"command = \"cat > {_directory}/json; env | grep ^CLUSTERFS_ | sort > {_directory}/env\"");

        notifier.Tell(Failover);

        await Until(() => notifier.Figures == new NotifierFigures(1, 0, 0), "the end of the command");
        Assert.Equal(
            [
                "CLUSTERFS_AT=2026-01-02T03:04:05.000Z", "CLUSTERFS_CAUSE=failover", "CLUSTERFS_DURATION_SECONDS=1.25", "CLUSTERFS_EPOCH=8", "CLUSTERFS_EVENT=failover",
                "CLUSTERFS_LOST_BYTES=4096", "CLUSTERFS_LOST_SECONDS=2.5", "CLUSTERFS_NODE=n2", "CLUSTERFS_REPORTED_BY=n1", "CLUSTERFS_SERVICE=wiki", "CLUSTERFS_TEXT=it runs on n2",
            ],
            File.ReadAllLines(Path.Combine(_directory, "env")).Where(line => !line.StartsWith("CLUSTERFS_BIN=", StringComparison.Ordinal) && !line.StartsWith("CLUSTERFS_RUN=", StringComparison.Ordinal)));
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(_directory, "json")));
        Assert.Equal(
            ("failover", 8L, 2.5, "n1"),
            (json.RootElement.GetProperty("event").GetString(), json.RootElement.GetProperty("epoch").GetInt64(), json.RootElement.GetProperty("lostSeconds").GetDouble(),
                json.RootElement.GetProperty("reportedBy").GetString()));
    }

    [Fact]
    public async Task One_that_hangs_is_killed_at_its_timeout_and_the_next_one_runs()
    {
        await using var notifier = Create($"timeout = 5s, command = \"test -e {_directory}/pid && exit 0; sleep 1000 & echo $! > {_directory}/pid; wait\"");

        notifier.Tell(Failover);
        notifier.Tell(Failover);

        await Until(() => notifier.Figures == new NotifierFigures(1, 1, 0), "the end of both");
        Assert.Contains(_said.Lines, line => line.Contains("failed for failover of wiki: no end after 5 s, killed; nobody was told: it runs on n2", StringComparison.Ordinal));
        var child = File.ReadAllText(Path.Combine(_directory, "pid")).Trim();
        await Until(() => !Directory.Exists($"/proc/{child}"), "the end of what the killed one had started");
    }

    /// <summary>Its parent is gone, so it descends from the command no more.</summary>
    [Fact]
    public async Task What_has_left_the_command_is_killed_with_it()
    {
        await using var notifier = Create($"timeout = 5s, command = \"(setsid sleep 1000 > /dev/null 2>&1 & echo $! > {_directory}/pid); sleep 1000\"");

        notifier.Tell(Failover);

        await Until(() => notifier.Figures == new NotifierFigures(0, 1, 0), "the end of the command");
        var left = File.ReadAllText(Path.Combine(_directory, "pid")).Trim();
        await Until(() => !Directory.Exists($"/proc/{left}"), "the end of what had left it");
    }

    [Fact]
    public async Task One_that_runs_when_the_daemon_ends_is_killed_and_said()
    {
        await using (var notifier = Create($"command = \"echo $$ > {_directory}/pid; exec sleep 1000\""))
        {
            notifier.Tell(Failover);
            await Until(() => File.Exists(Path.Combine(_directory, "pid")) && File.ReadAllText(Path.Combine(_directory, "pid")).EndsWith('\n'), "the start of the command");
        }

        Assert.False(Directory.Exists($"/proc/{File.ReadAllText(Path.Combine(_directory, "pid")).Trim()}"));
        Assert.Contains(_said.Lines, line => line.Contains("failed for failover of wiki: the daemon ends, killed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_one_that_prints_without_end_the_end_is_kept()
    {
        await using var notifier = Create("command = \"head -c 50000000 /dev/zero | tr '\\\\0' x; echo; echo that was all; exit 1\"");

        notifier.Tell(Failover);

        await Until(() => _said.Lines.Any(line => line.Contains("that was all", StringComparison.Ordinal)), "the end of the command");
        var said = Assert.Single(_said.Lines, line => line.Contains("that was all", StringComparison.Ordinal));
        Assert.True(said.Length < 2_000, $"{said.Length} characters are said of it");
    }

    [Fact]
    public async Task What_cannot_be_told_ends_none_of_the_others()
    {
        await using var notifier = Create($"command = \"echo $CLUSTERFS_EPOCH >> {_directory}/ran\"");

        // No environment can hold the one, and no JSON the other.
        notifier.Tell(Failover with { Text = new string('x', 1 << 20) });
        notifier.Tell(Failover with { LostSeconds = double.NaN });
        notifier.Tell(Failover with { Epoch = 9 });

        await Until(() => notifier.Figures == new NotifierFigures(1, 2, 0), "the end of all");
        Assert.Equal(["9"], File.ReadAllLines(Path.Combine(_directory, "ran")));
    }

    [Fact]
    public async Task One_that_fails_is_said_and_counted()
    {
        await using var notifier = Create("command = \"echo no route to the mail server >&2; exit 3\"");

        notifier.Tell(Failover);

        await Until(() => _said.Lines.Any(line => line.Contains("exit code 3: no route to the mail server", StringComparison.Ordinal)), "the failure");
        Assert.Equal(new NotifierFigures(0, 1, 0), notifier.Figures);
    }

    [Fact]
    public async Task They_run_in_order_and_what_finds_no_room_is_said_and_counted()
    {
        await using var notifier = Create(
            $"on = [failover, vacant], command = \"while ! test -e {_directory}/go; do sleep 0.05; done; echo $CLUSTERFS_EPOCH >> {_directory}/ran\"");
        const int more = 5;

        for (var epoch = 1; epoch <= Notifier.Capacity + 1 + more; epoch++)
        {
            notifier.Tell(Failover with { Epoch = epoch });
            if (epoch == 1)
            {
                // The first one is taken out of the queue, and runs.
                await Until(() => notifier.Waiting == 0, "the first one's turn");
            }
        }

        Assert.Equal(more, notifier.Figures.Dropped);
        Assert.Contains(_said.Lines, line => line.Contains("failover of wiki is not told to anybody, 100 notifications wait already: it runs on n2", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(_directory, "go"), "");
        await Until(() => notifier.Figures.Succeeded == Notifier.Capacity + 1, "the end of all");
        Assert.Equal(Enumerable.Range(1, Notifier.Capacity + 1).Select(epoch => $"{epoch}"), File.ReadAllLines(Path.Combine(_directory, "ran")));
    }

    [Fact]
    public async Task Only_what_somebody_wants_to_know_is_told_and_a_test_always()
    {
        await using var notifier = Create($"on = [vacant], command = \"echo $CLUSTERFS_EVENT >> {_directory}/ran\"");

        notifier.Tell(Failover);
        notifier.Tell(Failover with { Kind = NotificationKind.Vacant });
        var result = await notifier.TestAsync(Failover with { Kind = NotificationKind.Test }, CancellationToken.None);

        Assert.True(result is { Succeeded: true }, $"{result}");
        Assert.Equal(["vacant", "test"], File.ReadAllLines(Path.Combine(_directory, "ran")));
    }

    [Fact]
    public void Every_kind_has_the_name_that_the_configuration_knows() => Assert.Equal(
        NotificationEvents.All.Add(NotificationEvents.Test).Order(StringComparer.Ordinal), Enum.GetValues<NotificationKind>().Select(NotificationCommand.NameOf).Order(StringComparer.Ordinal));

    private Notifier Create(string notify)
    {
        var configuration = Path.Combine(_directory, "node.conf");
        Directory.CreateDirectory(Path.Combine(_directory, "shared", "clusterfs"));
        File.WriteAllText(configuration, $$"""
            clusterfs {
              node { name = n1, state-dir = "{{_directory}}/state" }
              cluster.nodes { n1 = 127.0.0.1, n2 = 127.0.0.2, n3 = 127.0.0.3 }
              journal { provider = sqlite, connection-string = "Data Source={{_directory}}/journal.db" }
              shared.path = "{{_directory}}/shared"
              services.wiki { live.path = "{{_directory}}/live", notify { {{notify}} } }
            }
            """);
        return new Notifier(ConfigurationLoader.Load(configuration).Settings, _said);
    }

    private async Task Until(Func<bool> condition, string what)
    {
        var waited = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(waited.Elapsed < Patience, $"not in time: {what}; {string.Join('\n', _said.Lines)}");
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }

    /// <summary>What was logged.</summary>
    private sealed class Said : ILoggerFactory, ILogger
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

        public IEnumerable<string> Lines => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue(formatter(state, exception));

        public void Dispose()
        {
        }
    }
}
