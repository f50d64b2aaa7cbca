using System.Collections.Concurrent;
using System.Diagnostics;
using ClusterFs.Configuration;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Content.Logs.Reading;
using ClusterFs.Content.Tests.Logs.Reading;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Logs.Links;

/// <summary>The keeper with its threads, against directories that come and go.</summary>
public sealed class LogKeepingTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly LogBed _bed = new("link = \"ROOT/n1/wiki\", reopen = \"echo $CLUSTERFS_SERVICE $CLUSTERFS_PATH >> ROOT/reopened\"");

    private string Link => Path.Combine(_bed.Root, "n1", "wiki");

    private string Reopened => Path.Combine(_bed.Root, "reopened");

    public void Dispose() => _bed.Dispose();

    [SkippableFact]
    public void Storage_that_goes_and_comes_back_costs_no_line()
    {
        Skip.IfNot(Processes.IsRoot, "needs root, to be told whether files are open");
        using var keeping = Keep();
        Until(keeping, state => state.Go == LogsGo.ToShared);
        var said = new ConcurrentQueue<string>();
        keeping.Said = (_, words) => said.Enqueue(words);
        Assert.True(SpinWait.SpinUntil(() => !said.IsEmpty, Patience));
        Assert.Equal($"{Link} leads to shared storage", said.First());
        Append("2026-01-02T03:00:01Z 1");

        Directory.Move(_bed.Shared, _bed.Shared + ".away");
        var spooling = Until(keeping, state => state.Go == LogsGo.ToSpool);
        Assert.Equal($"shared storage is away: there is no {_bed.Shared}/clusterfs", spooling.Problem);
        Append("2026-01-02T03:00:02Z 2");
        Until(keeping, state => state.WaitingBytes > 0);

        Directory.Move(_bed.Shared + ".away", _bed.Shared);
        Until(keeping, state => state is { Go: LogsGo.ToShared, WaitingBytes: 0, StillOpen: 0, Problem: null });
        Append("2026-01-02T03:00:03Z 3");
        Assert.Equal(["2026-01-02T03:00:01Z 1", "2026-01-02T03:00:02Z 2", "2026-01-02T03:00:03Z 3"], _bed.Read(format: default(LogFormat)));
        Assert.Equal([$"wiki {Link}", $"wiki {Link}"], File.ReadAllLines(Reopened));
    }

    [SkippableFact]
    public void The_way_back_waits_for_a_rotation()
    {
        Skip.IfNot(Processes.IsRoot, "needs root, to be told whether files are open");
        Directory.CreateDirectory(_bed.Shared + ".away");
        Directory.Move(_bed.Shared, _bed.Shared + ".away/it");
        using var keeping = Keep();
        Until(keeping, state => state.Go == LogsGo.ToSpool);
        var program = Path.Combine(_bed.Root, "logrotate");
        File.Copy("/bin/sleep", program);
        using (var rotation = Process.Start(program, "60"))
        {
            Assert.True(SpinWait.SpinUntil(Rotation.IsUnderWay, Patience));
            Directory.Move(_bed.Shared + ".away/it", _bed.Shared);
            Until(keeping, state => state.Problem is null);
            Append("2026-01-02T03:00:01Z 1");
            Until(keeping, state => state.WaitingBytes > 0);
            Assert.Equal(LogsGo.ToSpool, Assert.Single(keeping.Of("wiki")).Go);
            rotation.Kill();
            rotation.WaitForExit();
        }

        Until(keeping, state => state is { Go: LogsGo.ToShared, WaitingBytes: 0 });
        Assert.Equal(["2026-01-02T03:00:01Z 1"], _bed.Read(format: default(LogFormat)));
    }

    [SkippableFact]
    public void A_command_that_fails_and_a_directory_that_is_in_the_way_are_said()
    {
        Skip.IfNot(Processes.IsRoot, "needs root, to be told whether files are open");
        Directory.CreateDirectory(Reopened);
        Directory.CreateDirectory(Link);
        using (var held = new StreamWriter(Path.Combine(Link, "a.log")))
        using (var keeping = Keep())
        {
            Until(keeping, state => state.Problem?.StartsWith("the reopen command failed: exit code", StringComparison.Ordinal) == true);
            Until(keeping, state => state.StillOpen == 1);
            held.Close();
            Until(keeping, state => state is { StillOpen: 0, WaitingBytes: 0 });
        }

        File.Delete(Link);
        File.CreateSymbolicLink(Link, "/nowhere");
        using var again = Keep();
        Until(again, state => state.Go == LogsGo.Elsewhere && state.Problem?.Contains("is a link to /nowhere already", StringComparison.Ordinal) == true);
    }

    /// <summary>Storage that hangs: the link is turned all the same.</summary>
    [Fact]
    public void An_answer_that_never_comes_is_not_waited_for()
    {
        using var hung = new ManualResetEventSlim();
        var asked = 0;
        var watch = new SharedWatch(
            (_, _) =>
            {
                Interlocked.Increment(ref asked);
                hung.Wait();
                return new DirectoryOwner(1, 2, 3);
            },
            TimeSpan.FromMilliseconds(50));
        Assert.Equal((null, "shared storage does not answer"), watch.Ask(null, isNew: false));
        Assert.Equal((null, "shared storage does not answer"), watch.Ask(null, isNew: false));
        Assert.Equal(1, asked);
        hung.Set();
        Assert.True(SpinWait.SpinUntil(() => watch.Ask(null, isNew: false).Owner == new DirectoryOwner(1, 2, 3), Patience));
    }

    private LogKeeping Keep()
    {
        var quick = TimeSpan.FromMilliseconds(20);
        var keeping = new LogKeeping(_bed.Settings, TimeProvider.System, new LogKeeperPace(quick, Patience, quick, quick));
        keeping.Start();
        return keeping;
    }

    private static LogLinkState Until(LogKeeping keeping, Func<LogLinkState, bool> condition)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var state = Assert.Single(keeping.Of("wiki"));
            if (condition(state))
            {
                return state;
            }

            Assert.True(Stopwatch.GetElapsedTime(began) < Patience, $"it came to {state}");
            Thread.Yield();
        }
    }

    private void Append(string line) => File.AppendAllText(Path.Combine(Link, "a.log"), line + "\n");
}
