using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Content.Seeded;
using ClusterFs.Node.Seeded;

namespace ClusterFs.Node.Tests.Seeded;

public sealed class SeededPictureTests
{
    private static readonly SeededState Site = new("wiki", "/etc/site", "site.in", SeededCondition.Stale, "the check failed", null, null, ["/etc/kept"]);

    [Fact]
    public void A_state_and_what_a_rendering_would_change_become_one_entry()
    {
        var report = SeededPicture.Draw(
            "n1", [Site, Site with { Service = "blog" }], "wiki", [new SeededDifference("wiki", "/etc/site", "the template changed", false, "--- a\n")]);
        var file = Assert.Single(report.Files);
        Assert.Equal(("wiki", "the template changed", false, "--- a\n"), (file.Service, file.Change, file.Failed, file.Diff));
        Assert.Equal(("n1", "/etc/site", SeededFileState.Stale, "the check failed"), (file.File.Node, file.File.Path, file.File.State, file.File.Reason));
        Assert.Equal<string>(["/etc/kept"], file.File.Kept);
    }

    [Fact]
    public void Long_differences_are_cut_so_that_a_message_holds_them()
    {
        var diff = string.Concat(Enumerable.Range(0, 20_000).Select(n => $"+line {n} \u00e4\n"));
        var states = Enumerable.Range(0, 5).Select(n => Site with { File = $"/etc/{n}" }).ToImmutableArray();
        var written = SeededPicture.Write(
            SeededPicture.Draw("n1", states, null, [.. states.Select(state => new SeededDifference("wiki", state.File, "new", false, diff))]));
        Assert.InRange(Encoding.UTF8.GetByteCount(written), 10_000, 100_000);
        var read = JsonSerializer.Deserialize(written, ApiJson.Default.SeededNodeReport)!;
        Assert.All(read.Files, file => Assert.Matches(@"^(\+line \d+ ä\n)+… \d+ more lines: ask on that node\n$", file.Diff!));
        Assert.All(read.Files, file => Assert.Equal(20_000, file.Diff!.Split('\n').Length - 2 + int.Parse(file.Diff.Split('\n')[^2].Split(' ')[1], null)));
    }

    [Fact]
    public void Too_many_files_are_said_to_be_too_many()
    {
        var states = Enumerable.Range(0, 2000).Select(n => Site with { File = $"/etc/{n}" }).ToImmutableArray();
        var read = JsonSerializer.Deserialize(SeededPicture.Write(SeededPicture.Draw("n1", states, null, [])), ApiJson.Default.SeededNodeReport)!;
        Assert.Contains("too many seeded files", read.Problem, StringComparison.Ordinal);
    }
}
