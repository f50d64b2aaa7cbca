using ClusterFs.Guard.Execution;
using ClusterFs.Lease;

namespace ClusterFs.Guard.Tests.Execution;

/// <summary>With a directory in the kernel's place, which confirms when the test says so.</summary>
public sealed class FreezingTests : IDisposable
{
    private static readonly Instant StopAt = new(TimeSpan.FromHours(1), TimeSpan.FromHours(2));
    private static readonly Instant KillAt = StopAt + TimeSpan.FromMilliseconds(1000);
    private static readonly HashSet<int> Found = [4711];

    private readonly DirectoryInfo _group = Directory.CreateTempSubdirectory();
    private readonly ServiceProcesses _processes = new();
    private readonly Freezing _freezing;
    private Instant _now = StopAt + TimeSpan.FromMilliseconds(500);

    public FreezingTests()
    {
        Write("cgroup.freeze", "0");
        Write("cgroup.procs", "4711");
        Write("cgroup.events", "populated 1\nfrozen 0\n");
        _freezing = Freezing.Of(new ControlGroup(_group.FullName), StopAt, KillAt);
    }

    public void Dispose() => _group.Delete(recursive: true);

    [Fact]
    public void It_begins_when_half_of_the_time_to_end_by_itself_is_over() => Assert.Equal(_now, _freezing.BeginsAt);

    [Fact]
    public void The_kernel_is_asked_and_its_word_waited_for()
    {
        Assert.True(Advance());
        Assert.True(Advance());
        Assert.Equal("1", File.ReadAllText(Path.Combine(_group.FullName, "cgroup.freeze")));
        Assert.False(_freezing.IsConfirmed);

        Confirm();
        Assert.True(Advance());
        Assert.Null(_freezing.FrozenGroup);
        Assert.True(Advance());
        Assert.Equal(_group.FullName, _freezing.FrozenGroup);
    }

    [Fact]
    public void What_is_confirmed_when_killing_may_have_begun_is_killed()
    {
        Confirm();
        Assert.True(Advance());

        // On one clock alone: whose right ends here believes the faster one (R10).
        _now = new Instant(StopAt.Boottime, KillAt.MonotonicRaw);
        Assert.False(Advance());
    }

    [Fact]
    public void What_never_gets_confirmed_is_killed_in_time()
    {
        Assert.True(Advance());
        _now = KillAt;
        Assert.False(Advance());
    }

    [Fact]
    public void A_kernel_without_the_file_freezes_nothing()
    {
        Confirm();
        File.Delete(Path.Combine(_group.FullName, "cgroup.freeze"));
        Assert.True(Advance() && Advance());
        Assert.False(_freezing.IsConfirmed);
    }

    [Fact]
    public async Task What_is_outside_of_the_group_is_killed_and_confirms_nothing()
    {
        Confirm();
        using var outside = System.Diagnostics.Process.Start("sleep", "600");
        Assert.True(_freezing.TryAdvance(_processes, new HashSet<int> { 4711, outside.Id }, () => _now, out var problems));
        Assert.Empty(problems);
        using var limit = new CancellationTokenSource(Eventually.Limit);
        await outside.WaitForExitAsync(limit.Token);
        Assert.Equal(128 + Posix.Processes.SignalKill, outside.ExitCode);

        Assert.True(Advance());
        Assert.False(_freezing.IsConfirmed);
        Assert.True(Advance());
        Assert.True(_freezing.IsConfirmed);
    }

    private bool Advance() => _freezing.TryAdvance(_processes, Found, () => _now, out _);

    private void Confirm() => Write("cgroup.events", "populated 1\nfrozen 1\n");

    private void Write(string file, string content) => File.WriteAllText(Path.Combine(_group.FullName, file), content);
}
