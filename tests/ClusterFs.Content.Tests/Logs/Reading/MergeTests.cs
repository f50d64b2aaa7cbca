using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using ClusterFs.Content.Logs.Reading;
using CsCheck;

namespace ClusterFs.Content.Tests.Logs.Reading;

public sealed class MergeTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 2, 3, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Logs_of_all_nodes_are_one_by_time()
    {
        using var bed = new LogBed();
        bed.Put("n1/wiki/access.log", "2026-01-02T03:00:01Z a\n  at one\n  at two\n2026-01-02T03:00:04Z d\n");
        bed.Put("n2/wiki/access.log", "1.2.3.4 - - [02/Jan/2026:04:00:01 +0100] \"b\"\n\n2026-01-02T03:00:03Z c\n");
        bed.Put("n3/wiki/error.log", "Jan  2 03:00:02 host x: syslog\n");
        File.SetLastWriteTimeUtc(Path.Combine(bed.Shared, "clusterfs/logs/wiki/n3/wiki/error.log"), Start.UtcDateTime);
        Assert.Equal(
            [
                "n1 access.log: 2026-01-02T03:00:01Z a", "n1 access.log:   at one", "n1 access.log:   at two",
                "n2 access.log: 1.2.3.4 - - [02/Jan/2026:04:00:01 +0100] \"b\"", "n2 access.log: ",
                "n3 error.log: Jan  2 03:00:02 host x: syslog",
                "n2 access.log: 2026-01-02T03:00:03Z c", "n1 access.log: 2026-01-02T03:00:04Z d",
            ],
            bed.Read());
        Assert.Empty(bed.Notes);
    }

    [Fact]
    public void Rotated_files_are_read_in_their_order_and_what_is_being_compressed_once()
    {
        using var bed = new LogBed();
        bed.Put("n1/wiki/a.log.3.gz", "  of no line before\n2026-01-02T03:00:01Z 1\n");
        bed.Put("n1/wiki/a.log.2", "2026-01-02T03:00:02Z 2");
        bed.Put("n1/wiki/a.log.2.gz", "2026-01-02T03:00:02Z 2");
        bed.Put("n1/wiki/a.log.1", "  of the line before, which did not end\n2026-01-02T03:00:03Z 3\n");
        bed.Put("n1/wiki/a.log", "");
        bed.Put("n1/wiki/a.log.4.xz", "?");
        Assert.Equal(
            ["  of no line before", "2026-01-02T03:00:01Z 1", "2026-01-02T03:00:02Z 2", "  of the line before, which did not end", "2026-01-02T03:00:03Z 3"],
            bed.Read(format: default(LogFormat)));
        Assert.Equal(["shared/clusterfs/logs/wiki/n1/wiki/a.log.4.xz is left out: only .gz can be read of what is compressed"], bed.Notes);
    }

    [Fact]
    public void A_damaged_file_is_said_and_the_next_one_read()
    {
        using var bed = new LogBed();
        var file = bed.Put("n1/wiki/a.log.2.gz", string.Concat(Enumerable.Range(0, 50_000).Select(i => $"2026-01-02T03:00:01Z {i * 7919 % 10007}\n")));
        var bytes = File.ReadAllBytes(file);
        bytes.AsSpan(bytes.Length / 2, 4000).Fill(0xff);
        File.WriteAllBytes(file, bytes);
        bed.Put("n1/wiki/a.log.1", "2026-01-02T03:00:03Z good\n");
        var lines = bed.Read(format: default(LogFormat));
        Assert.InRange(lines.Length, 1000, 49_999);
        Assert.Equal("2026-01-02T03:00:03Z good", lines[^1]);
        Assert.StartsWith("shared/clusterfs/logs/wiki/n1/wiki/a.log.2.gz cannot be read any further: ", Assert.Single(bed.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public void Nodes_logs_and_expressions_are_chosen_and_an_entry_stays_whole()
    {
        using var bed = new LogBed();
        bed.Put("n1/wiki/access.log", "2026-01-02T03:00:01Z a\n");
        bed.Put("n1/wiki/error.log", "2026-01-02T03:00:02Z failed\n  at One\n  at Two\n2026-01-02T03:00:03Z well\n");
        bed.Put("n2/wiki/error.log", "2026-01-02T03:00:02Z failed too\n");
        Assert.Equal(["n1 access.log: 2026-01-02T03:00:01Z a"], bed.Read(new LogQuery { Log = "acc*" }));
        Assert.Equal(["n2 error.log: 2026-01-02T03:00:02Z failed too"], bed.Read(new LogQuery { Nodes = ["n2"] }));
        string[] entry = ["n1 error.log: 2026-01-02T03:00:02Z failed", "n1 error.log:   at One", "n1 error.log:   at Two"];
        Assert.Equal(entry, bed.Read(new LogQuery { Grep = "at Two" }));
        Assert.Equal(entry, bed.Read(new LogQuery { Grep = "^\\s+at T.o$" }));
        Assert.Equal([.. entry, "n2 error.log: 2026-01-02T03:00:02Z failed too"], bed.Read(new LogQuery { Grep = "(?i)FAILED" }));
        Assert.Empty(bed.Read(new LogQuery { Grep = "no such thing" }));
    }

    [Fact]
    public void Of_an_entry_without_end_what_comes_from_the_match_on_is_shown()
    {
        using var bed = new LogBed();
        var frames = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"  at frame {i} and more of it\n"));
        bed.Put("n1/wiki/a.log", $"2026-01-02T03:00:01Z failed\n{frames}  the cause\n  and after\n2026-01-02T03:00:02Z well\n");
        Assert.Equal(["  the cause", "  and after"], bed.Read(new LogQuery { Grep = "cause" }, default(LogFormat)));
        Assert.Equal(20_003, bed.Read(new LogQuery { Grep = "failed" }, default(LogFormat)).Length);
    }

    [Fact]
    public void The_node_may_be_in_the_file_name()
    {
        using var bed = new LogBed("link = \"ROOT/n1/wiki\", file-name = \"*.%NODE%.log\"");
        bed.Put("n1/wiki/access.n1.log", "2026-01-02T03:00:02Z b\n");
        bed.Put("n1/wiki/access.n2.log.1", "2026-01-02T03:00:01Z a\n");
        bed.Put("n3/wiki@20260102T030000000Z/old.log", "2026-01-02T03:00:03Z c\n");
        Assert.Equal(
            ["n2 access.n2.log: 2026-01-02T03:00:01Z a", "n1 access.n1.log: 2026-01-02T03:00:02Z b", "n3 old.log: 2026-01-02T03:00:03Z c"],
            bed.Read());
    }

    [Fact]
    public void Several_links_are_told_apart_and_a_terminal_is_not_commanded()
    {
        using var bed = new LogBed("link = [\"ROOT/n1/wiki\", \"ROOT/n1/nginx\"]");
        bed.Put("n1/nginx/a.log", "2026-01-02T03:00:02Z \u001b[31mred\u009b\tü\r\n");
        bed.Put("n1/wiki/sub/a.log", "2026-01-02T03:00:01Z x\n");
        Assert.Equal(
            ["n1 wiki/sub/a.log: 2026-01-02T03:00:01Z x", "n1 nginx/a.log: 2026-01-02T03:00:02Z \\x1b[31mred\\x9b\tü"],
            bed.Read(format: new LogFormat(WithNames: true, ForTerminal: true, Json: false)));
        Assert.Equal(
            ["""{"node":"n1","log":"nginx/a.log","at":"2026-01-02T03:00:02Z","text":"2026-01-02T03:00:02Z \u001B[31mred\u009B\t\u00FC"}"""],
            bed.Read(new LogQuery { Log = "a.log", Since = Start.AddSeconds(2) }, new LogFormat(WithNames: true, ForTerminal: false, Json: true)));
    }

    [Fact]
    public void What_this_node_has_not_moved_yet_is_read_on_its_disk_and_once()
    {
        using var bed = new LogBed();
        bed.Put("n1/wiki/a.log", "2026-01-02T03:00:01Z before\n");
        bed.Put("n1/wiki@20260102T030002000Z/a.log", "2026-01-02T03:00:02Z moved in p");
        bed.Put("n1/wiki@20260102T030002000Z/b.log", "2026-01-02T03:00:03Z moved\n");
        var local = Path.Combine(bed.Root, "n1", ".wiki.clusterfs");
        Directory.CreateDirectory(Path.Combine(local, "20260102T030002000Z"));
        Directory.CreateDirectory(Path.Combine(local, "spool"));
        File.WriteAllText(Path.Combine(local, "20260102T030002000Z", "a.log"), "2026-01-02T03:00:02Z moved in part\n");
        File.WriteAllText(Path.Combine(local, "spool", "a.log"), "2026-01-02T03:00:04Z spooled\n");
        string[] onDisk = ["2026-01-02T03:00:02Z moved in part", "2026-01-02T03:00:04Z spooled"];
        Assert.Equal(
            ["2026-01-02T03:00:01Z before", onDisk[0], "2026-01-02T03:00:03Z moved", onDisk[1]], bed.Read(format: default(LogFormat)));

        Directory.Move(bed.Shared, bed.Shared + ".away");
        Assert.Equal(onDisk, bed.Read(format: default(LogFormat)));
        Assert.Equal(["shared storage at shared is away: this shows only what this node has on its own disk"],
            bed.Notes.Select(note => note.Replace(bed.Root + "/", "", StringComparison.Ordinal)));
    }

    /// <summary>Merging is sorting the entries of all logs by their stamps, with ties and entries without order left as they were.</summary>
    [Fact]
    public void Merging_is_sorting()
    {
        var entry = Gen.Select(Gen.Int[0, 30], Gen.Int[0, 3]);
        Gen.Select(entry.Array[0, 40].Array[1, 6], Gen.Int[40, 300], Gen.Bool).Sample((logs, bufferSize, endsInLine) =>
        {
            using var scratch = new Scratch();
            var expected = new List<(int Second, int Log, string Text)>();
            var cursors = new List<LogCursor>();
            for (var log = 0; log < logs.Length; log++)
            {
                var text = new StringBuilder();
                var sorted = logs[log].OrderBy(one => one.Item1).ToArray();
                for (var i = 0; i < sorted.Length; i++)
                {
                    var (second, more) = sorted[i];
                    var own = $"{Start.AddSeconds(second):yyyy-MM-dd'T'HH:mm:ss'Z'} {log}.{i}\n"
                        + string.Concat(Enumerable.Range(0, more).Select(line => $" {new string('.', line * 37)}\n"));
                    expected.Add((second, log, own));
                    text.Append(own);
                }

                var cut = endsInLine && text.Length > 0 ? 1 : 0;
                cursors.Add(scratch.Cursor(text.ToString(0, text.Length - cut), bufferSize, $"{log}"));
            }

            var sink = new Collected();
            LogMerge.Run(cursors, sink, CancellationToken.None);
            var merged = string.Concat(expected.OrderBy(one => one.Second).ThenBy(one => one.Log).Select(one => one.Text));
            Assert.Equal(merged, sink.Text);
        }, iter: 300);
    }

    /// <summary>What is between the pieces of a file does not show: lines longer than the buffer are passed on whole.</summary>
    [Fact]
    public void A_line_of_any_length_is_passed_on()
    {
        using var scratch = new Scratch();
        var text = $"2026-01-02T03:00:01Z {new string('x', 100_000)}\n2026-01-02T03:00:02Z y\n";
        var sink = new Collected();
        LogMerge.Run([scratch.Cursor(text, 4096, "a"), scratch.Cursor("2026-01-02T03:00:01Z b\n", 4096, "b")], sink, CancellationToken.None);
        Assert.Equal(text[..^23] + "2026-01-02T03:00:01Z b\n" + text[^23..], sink.Text);
    }

    internal sealed class Collected : ILineSink
    {
        private readonly StringBuilder _text = new();

        public string Text => _text.Length == 0 || _text[^1] == '\n' ? _text.ToString() : $"{_text}\n";

        public void Write(LogStream stream, in LogLine line)
        {
            if (line.IsBeginning && _text.Length > 0 && _text[^1] != '\n')
            {
                _text.Append('\n');
            }

            _text.Append(Encoding.UTF8.GetString(line.Bytes));
        }
    }
}
