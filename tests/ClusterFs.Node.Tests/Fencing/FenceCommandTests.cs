using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Node.Fencing;
using Microsoft.Extensions.Logging.Abstractions;

namespace ClusterFs.Node.Tests.Fencing;

public sealed class FenceCommandTests : IDisposable
{
    /// <summary>Of an agent that never ends by itself: long enough to have begun on a busy machine.</summary>
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan Long = TimeSpan.FromSeconds(60);

    private readonly string _directory = Directory.CreateTempSubdirectory("clusterfs-fence-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task The_agent_reads_what_to_do_to_whom_and_its_exit_code_is_the_answer()
    {
        var command = Command("cat > \"$(dirname \"$0\")/read\"; echo switched", "n1", ("ip", "192.0.2.1"));
        var result = await command.RunAsync("n1");
        Assert.Equal((true, "exit code 0: switched"), (result.Succeeded, result.Outcome));
        Assert.Equal("action=reboot\nnodename=n1\nplug=n1\nip=192.0.2.1\n", File.ReadAllText(Path.Combine(_directory, "read")));
    }

    /// <summary>Where the daemon was started may be gone, or not be entered.</summary>
    [Fact]
    public async Task It_runs_where_everybody_may_be() =>
        Assert.Equal("exit code 0: /", (await Command("cat > /dev/null; pwd").RunAsync("n1")).Outcome);

    [Fact]
    public async Task Another_exit_code_is_a_failure()
    {
        var result = await Command("cat > /dev/null; echo no such plug >&2; exit 3").RunAsync("n1");
        Assert.Equal((false, "exit code 3: no such plug"), (result.Succeeded, result.Outcome));
    }

    [Fact]
    public async Task One_that_does_not_end_is_killed_and_has_failed()
    {
        var pid = Path.Combine(_directory, "pid");
        var result = await Command($"echo $$ > {pid}; exec sleep 1000", Short).RunAsync("n1");
        Assert.Equal((false, "no end after 3 s, killed"), (result.Succeeded, result.Outcome));
        var process = File.ReadAllText(pid).Trim();
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{process}"), TimeSpan.FromSeconds(5)), $"process {process} lives");
    }

    [Fact]
    public async Task What_left_its_parents_is_killed_with_it()
    {
        var pid = Path.Combine(_directory, "pid");
        await Command($"(setsid sh -c 'echo $$ > {pid}; exec sleep 1000' &); sleep 1000", Short).RunAsync("n1");
        var process = File.ReadAllText(pid).Trim();
        Assert.True(SpinWait.SpinUntil(() => !Directory.Exists($"/proc/{process}"), TimeSpan.FromSeconds(5)), $"process {process} lives");
    }

    /// <summary>More than a pipe holds, so that it is seen for certain.</summary>
    [Fact]
    public async Task One_that_does_not_read_whom_to_fence_has_failed_whatever_it_says()
    {
        var result = await Command("exec 0<&-; echo done; exit 0", "n1", ("ip", new string('x', 200_000))).RunAsync("n1");
        Assert.Equal((false, "it did not read whom to fence; exit code 0: done"), (result.Succeeded, result.Outcome));
    }

    [Fact]
    public async Task However_much_it_prints_its_end_is_kept_and_no_more()
    {
        var result = await Command("cat > /dev/null; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo the end").RunAsync("n1");
        Assert.True(result.Succeeded, result.Outcome);
        Assert.EndsWith("; the end", result.Outcome, StringComparison.Ordinal);
        Assert.InRange(result.Outcome.Length, 500, 700);
    }

    [Fact]
    public async Task One_that_is_not_there_is_a_failure()
    {
        var settings = new FenceSettings(Path.Combine(_directory, "none"), FenceAction.Off, TimeSpan.FromSeconds(1), NoNodes);
        Assert.False((await new FenceCommand(settings, NullLogger.Instance).RunAsync("n1")).Succeeded);
    }

    [Fact]
    public void The_configuration_may_name_the_plug() => Assert.Equal(
        "action=off\nnodename=n1\nplug=7\n",
        FenceCommand.OptionsFor(
            new FenceSettings("/bin/true", FenceAction.Off, TimeSpan.FromSeconds(1), NoNodes.Add("n1", Options(("plug", "7")))), "n1"));

    private static ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>> NoNodes { get; } =
        ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, string>>.Empty;

    private static ImmutableSortedDictionary<string, string> Options(params (string Name, string Value)[] options) =>
        options.ToImmutableSortedDictionary(option => option.Name, option => option.Value, StringComparer.Ordinal);

    private FenceCommand Command(string script, string node = "n1", params (string Name, string Value)[] options) => Command(script, Long, node, options);

    private FenceCommand Command(string script, TimeSpan timeout, string node = "n1", params (string Name, string Value)[] options)
    {
        var file = Path.Combine(_directory, "agent");
        File.WriteAllText(file, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var settings = new FenceSettings(file, FenceAction.Reboot, timeout, NoNodes.Add(node, Options(options)));
        return new FenceCommand(settings, NullLogger.Instance);
    }
}
