using ClusterFs.Content.Seeded;
using ClusterFs.Posix;

namespace ClusterFs.Content.Tests.Seeded;

/// <summary>A daemon that is killed while it renders leaves the old file or the new one, and the next one finishes the work.</summary>
public sealed class SeededCrashTests : IDisposable
{
    private const int Killed = 137;

    private readonly SeededBed _bed = new();

    public static TheoryData<string> Points => ["staged", "checked", "intended", "swapped", "kept", "recorded", "reloaded"];

    public void Dispose() => _bed.Dispose();

    [Theory]
    [MemberData(nameof(Points))]
    public void Killed_anywhere_it_is_whole_and_is_finished_and_reloaded(string point)
    {
        _bed.Write("one\n");
        SeededBed.Render(_bed.Start());
        _bed.Write("two\n");
        Assert.Equal(Killed, Child.Run("render", _bed.Root, point));
        Assert.Equal(point is "staged" or "checked" or "intended" ? "one\n" : "two\n", File.ReadAllText(_bed.Target));
        var next = _bed.Start();
        SeededBed.Render(next);
        Finished(next, kept: 0);
        Assert.InRange(_bed.ReloadCount, 2, point == "reloaded" ? 3 : 2);
    }

    [Theory]
    [MemberData(nameof(Points))]
    public void Killed_anywhere_at_the_first_rendering_it_keeps_what_was_there(string point)
    {
        _bed.Write("two\n");
        File.WriteAllText(_bed.Target, "of the package\n");
        Assert.Equal(Killed, Child.Run("render", _bed.Root, point));
        Assert.Equal(point is "staged" or "checked" or "intended" ? "of the package\n" : "two\n", File.ReadAllText(_bed.Target));
        var next = _bed.Start();
        SeededBed.Render(next);
        Finished(next, kept: 1);
        Assert.Equal("of the package\n", File.ReadAllText(_bed.Kept(1)));
    }

    [Theory]
    [MemberData(nameof(Points))]
    public void Killed_anywhere_it_loses_no_local_edit(string point)
    {
        _bed.Write("one\n");
        SeededBed.Render(_bed.Start());
        File.WriteAllText(_bed.Target, "mine\n");
        _bed.Write("two\n");
        Assert.Equal(Killed, Child.Run("render", _bed.Root, point));
        var next = _bed.Start();
        SeededBed.Render(next);
        Finished(next, kept: 1);
        Assert.Equal("mine\n", File.ReadAllText(_bed.Kept(1)));
    }

    [Theory]
    [MemberData(nameof(Points))]
    public void Killed_anywhere_at_a_new_file_leaves_none_or_all_of_it(string point)
    {
        _bed.Write("two\n");
        Assert.Equal(Killed, Child.Run("render", _bed.Root, point));
        Assert.Equal(point is not ("staged" or "checked" or "intended"), File.Exists(_bed.Target));
        var next = _bed.Start();
        SeededBed.Render(next);
        Finished(next, kept: 0);
    }

    [Theory]
    [InlineData("staged")]
    [InlineData("checked")]
    [InlineData("intended")]
    [InlineData("swapped")]
    [InlineData("kept")]
    [InlineData("recorded")]
    [InlineData("reloaded")]
    public void Killed_anywhere_it_loses_no_change_of_the_mode_alone(string point)
    {
        _bed.Write("two\n");
        SeededBed.Render(_bed.Start(file => file with { Mode = 0x180 }));
        Assert.Equal(Killed, Child.Run("render-mode", _bed.Root, point));
        var next = _bed.Start(file => file with { Mode = 0x1A0 });
        SeededBed.Render(next);
        Assert.Equal(0x1A0u, FileStatus.TryRead(_bed.Target)!.Value.Mode);
        Finished(next, kept: 0);
        Assert.InRange(_bed.ReloadCount, 2, point == "reloaded" ? 3 : 2);
    }

    [Theory]
    [InlineData("intended", "one\n")]
    [InlineData("swapped", "two\n")]
    [InlineData("kept", "two\n")]
    public void Edited_after_it_was_killed_it_is_known_what_was_edited(string point, string there)
    {
        _bed.Write("one\n");
        SeededBed.Render(_bed.Start());
        _bed.Write("two\n");
        Assert.Equal(Killed, Child.Run("render", _bed.Root, point));
        Assert.Equal(there, File.ReadAllText(_bed.Target));
        File.WriteAllText(_bed.Target, "mine\n");
        var next = _bed.Start();
        SeededBed.Render(next);
        if (there == "one\n")
        {
            Finished(next, kept: 1);
            Assert.Equal("mine\n", File.ReadAllText(_bed.Kept(1)));
        }
        else
        {
            Assert.Equal(("mine\n", SeededCondition.Edited), (File.ReadAllText(_bed.Target), SeededBed.StateOf(next).Condition));
        }

        Assert.Equal(2, _bed.ReloadCount);
    }

    [SkippableFact]
    public void Killed_at_any_call_that_changes_a_file_it_is_whole_and_is_finished_and_loses_nothing()
    {
        Skip.IfNot(File.Exists("/usr/bin/strace"), "strace is not installed: apt-get install strace");
        var points = new KillPoints();
        foreach (var (kind, call) in points.All())
        {
            using var bed = new SeededBed();
            bed.Write("one\n");
            SeededBed.Render(bed.Start());
            File.WriteAllText(bed.Target, "mine\n");
            bed.Write("two\n");
            var code = Child.RunKilledAt(kind, call, "render", bed.Root, "nowhere");
            Assert.Contains(File.ReadAllText(bed.Target), new[] { "mine\n", "two\n" });
            SeededBed.Render(bed.Start());
            Assert.Equal(("two\n", "mine\n"), (File.ReadAllText(bed.Target), File.ReadAllText(bed.Kept(1))));
            Assert.Single(Directory.GetFileSystemEntries(Path.GetDirectoryName(bed.Kept(1))!));
            Assert.InRange(bed.ReloadCount, 2, 3);
            points.Met(kind, code);
        }

        Assert.InRange(points.Deaths, 10, 200);
    }

    private void Finished(SeededFiles files, int kept)
    {
        Assert.Equal("two\n", File.ReadAllText(_bed.Target));
        var state = SeededBed.StateOf(files);
        Assert.Equal((SeededCondition.Current, kept), (state.Condition, state.Kept.Length));
        Assert.True(_bed.ReloadCount > 0);
        var place = Path.GetDirectoryName(_bed.Kept(1))!;
        Assert.Equal(kept, Directory.Exists(place) ? Directory.GetFileSystemEntries(place).Length : 0);
    }
}
