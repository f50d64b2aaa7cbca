using System.Text;
using ClusterFs.Content.Placing;
using CsCheck;

namespace ClusterFs.Content.Tests.Placing;

public sealed class UnifiedDiffTests
{
    [Fact]
    public void It_reads_as_diff_writes_it()
    {
        const string Before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n";
        const string After = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16";
        Assert.Equal(
            "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n@@ -13,3 +13,4 @@\n 13\n 14\n 15\n+16\n\\ No newline at end of file\n",
            Of(Before, After));
    }

    [Fact]
    public void The_same_is_no_difference_and_a_new_file_all_of_it()
    {
        Assert.Equal("", Of("a\n", "a\n"));
        Assert.Equal("--- a\n+++ b\n@@ -0,0 +1,2 @@\n+x\n+y\n", Of("", "x\ny\n"));
        Assert.Equal("Binary files a and b differ\n", Of("a", "b\0"));
    }

    [Fact]
    public void Many_changed_lines_are_shown_as_replaced()
    {
        var before = string.Concat(Enumerable.Range(0, 3000).Select(n => $"a{n}\n"));
        var after = string.Concat(Enumerable.Range(0, 3000).Select(n => $"b{n}\n"));
        Assert.Equal(6003, Of(before, after).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(after, Apply(before, Of(before, after)));
    }

    [Fact]
    public void Any_difference_makes_the_one_text_of_the_other()
    {
        string[] lines = ["a\n", "b\n", "c\n", "\n"];
        string[] ends = ["", "a", "end"];
        var text = Gen.Select(Gen.Int[0, lines.Length - 1].Array[0, 40], Gen.Int[0, ends.Length - 1])
            .Select((body, end) => string.Concat(body.Select(line => lines[line])) + ends[end]);
        Gen.Select(text, text).Sample((before, after) => Apply(before, Of(before, after)) == after);
    }

    private static string Of(string before, string after) => UnifiedDiff.Of(Encoding.UTF8.GetBytes(before), Encoding.UTF8.GetBytes(after), "a", "b");

    /// <summary>What patch does, and as strictly as it can.</summary>
    private static string Apply(string before, string diff)
    {
        if (diff.Length == 0)
        {
            return before;
        }

        var old = Lines(before);
        var result = new StringBuilder();
        var at = 0;
        var lines = Lines(diff);
        for (var i = 2; i < lines.Count; i++)
        {
            if (lines[i].StartsWith("@@ ", StringComparison.Ordinal))
            {
                var range = lines[i].Split(' ')[1][1..].Split(',');
                var start = int.Parse(range[0], null) - (range.Length > 1 && range[1] == "0" ? 0 : 1);
                result.AppendJoin("", old[at..start]);
                at = start;
                continue;
            }

            var cut = i + 1 < lines.Count && lines[i + 1].StartsWith('\\');
            var line = cut ? lines[i][1..^1] : lines[i][1..];
            if (lines[i][0] is ' ' or '-')
            {
                Assert.Equal(old[at++], line);
            }

            if (lines[i][0] is ' ' or '+')
            {
                result.Append(line);
            }

            i += cut ? 1 : 0;
        }

        return result.AppendJoin("", old[at..]).ToString();
    }

    private static List<string> Lines(string text)
    {
        var lines = text.Split('\n').Select(line => line + '\n').ToList();
        lines[^1] = lines[^1][..^1];
        if (lines[^1].Length == 0)
        {
            lines.RemoveAt(lines.Count - 1);
        }

        return lines;
    }
}
