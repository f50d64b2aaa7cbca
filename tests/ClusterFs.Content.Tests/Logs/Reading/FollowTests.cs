using System.Text;
using ClusterFs.Content.Logs.Reading;

namespace ClusterFs.Content.Tests.Logs.Reading;

public sealed class FollowTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly LogBed _bed = new();
    private readonly Output _output = new();
    private readonly CancellationTokenSource _end = new();
    private Task _following = Task.CompletedTask;

    public void Dispose()
    {
        _end.Cancel();
        Assert.True(_following.ContinueWith(_ => { }, TaskScheduler.Default).Wait(Patience));
        _end.Dispose();
        _output.Dispose();
        _bed.Dispose();
    }

    [Fact]
    public void What_is_written_is_shown_once_across_rotation_truncation_and_new_logs()
    {
        var log = _bed.Put("n1/wiki/a.log", "2026-01-02T03:00:01Z 1\n2026-01-02T03:00:02Z 2\n2026-01-02T03:00:03Z half of a l");
        _bed.Put("n1/wiki/a.log.1", "2026-01-02T03:00:00Z 0\n");
        Follow(new LogQuery { Follow = true, Since = new DateTimeOffset(2026, 1, 2, 3, 0, 2, TimeSpan.Zero) });
        Shows("2026-01-02T03:00:02Z 2\n");
        _bed.Append("n1/wiki/a.log", "ine\n  and more\n");
        Shows("2026-01-02T03:00:03Z half of a line\n  and more\n");

        // A service that has not noticed yet that its log was renamed.
        var old = new StreamWriter(new FileStream(log, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { AutoFlush = true };
        File.Move(log + ".1", log + ".2");
        File.Move(log, log + ".1");
        old.Write("2026-01-02T03:00:04Z late\n");
        Shows("2026-01-02T03:00:04Z late\n");
        _bed.Put("n1/wiki/a.log", "2026-01-02T03:00:05Z new\n");
        Shows("2026-01-02T03:00:05Z new\n");
        old.Write("2026-01-02T03:00:06Z later\n");
        Shows("2026-01-02T03:00:06Z later\n");
        old.Dispose();

        // Copied and cut off.
        File.Copy(log, log + ".3");
        File.WriteAllText(log, "");
        _bed.Append("n1/wiki/a.log", "2026-01-02T03:00:07Z x\n");
        Shows("2026-01-02T03:00:07Z x\n");

        // Another node, and what was moved from its disk.
        _bed.Put("n2/wiki/b.log", "2026-01-02T03:00:08Z other\n");
        Shows("2026-01-02T03:00:08Z other\n");
        _bed.Put("n2/wiki@20260102T030002000Z/b.log.1", "2026-01-02T03:00:09Z moved\n");
        Shows("2026-01-02T03:00:09Z moved\n");
    }

    /// <summary>A service that writes the date into the names of its logs.</summary>
    [Fact]
    public void The_newest_of_dated_logs_is_followed_and_the_next_one()
    {
        _bed.Put("n1/wiki/a.log.2026-01-02", "2026-01-02T03:00:01Z 1\n");
        Follow(new LogQuery { Follow = true });
        _bed.Append("n1/wiki/a.log.2026-01-02", "2026-01-02T03:00:02Z 2\n");
        Shows("2026-01-02T03:00:02Z 2\n");
        _bed.Put("n1/wiki/a.log.2026-01-03", "2026-01-03T03:00:03Z 3\n");
        Shows("2026-01-03T03:00:03Z 3\n");
    }

    [Fact]
    public void Storage_that_comes_back_shows_what_is_new()
    {
        _bed.Put("n1/wiki/a.log", "2026-01-02T03:00:01Z 1\n");
        Directory.Move(_bed.Shared, _bed.Shared + ".away");
        Follow(new LogQuery { Follow = true });
        Directory.Move(_bed.Shared + ".away", _bed.Shared);
        Assert.True(SpinWait.SpinUntil(() => _bed.Notes.ToArray().Length == 2, Patience));

        // The next look begins after the one that has found it.
        var flushes = _output.Flushes;
        Assert.True(SpinWait.SpinUntil(() => _output.Flushes > flushes, Patience));
        _bed.Append("n1/wiki/a.log", "2026-01-02T03:00:02Z 2\n");
        Shows("2026-01-02T03:00:02Z 2\n");
    }

    [Fact]
    public void Without_a_time_nothing_of_what_is_there_is_shown()
    {
        _bed.Put("n1/wiki/a.log", "2026-01-02T03:00:01Z 1\n");
        _bed.Put("n2/wiki@20260102T030002000Z/a.log", "2026-01-02T03:00:01Z moved\n");
        Follow(new LogQuery { Follow = true, Grep = "shown" });
        _bed.Append("n1/wiki/a.log", "2026-01-02T03:00:02Z shown\n");
        _bed.Append("n2/wiki@20260102T030002000Z/a.log", "2026-01-02T03:00:02Z shown too\n");
        Shows("2026-01-02T03:00:02Z shown\n");
        Shows("2026-01-02T03:00:02Z shown too\n");
    }

    /// <summary>On the node itself: from the spool, over the directory that waits, to shared storage, where it is not shown again.</summary>
    [Fact]
    public void What_is_moved_from_this_nodes_disk_is_shown_once()
    {
        var local = Path.Combine(_bed.Root, "n1", ".wiki.clusterfs");
        Directory.CreateDirectory(Path.Combine(local, "spool"));
        File.WriteAllText(Path.Combine(local, "spool", "a.log"), "2026-01-02T03:00:01Z 1\n");
        Follow(new LogQuery { Follow = true });
        File.AppendAllText(Path.Combine(local, "spool", "a.log"), "2026-01-02T03:00:02Z 2\n");
        Shows("2026-01-02T03:00:02Z 2\n");
        var waiting = Path.Combine(local, "20260102T030002000Z");
        Directory.Move(Path.Combine(local, "spool"), waiting);
        File.AppendAllText(Path.Combine(waiting, "a.log"), "2026-01-02T03:00:03Z 3\n");
        Shows("2026-01-02T03:00:03Z 3\n");
        _bed.Put("n1/wiki@20260102T030002000Z/a.log", File.ReadAllText(Path.Combine(waiting, "a.log")));
        Directory.Delete(waiting, recursive: true);
        _bed.Put("n1/wiki/a.log", "2026-01-02T03:00:04Z 4\n");
        Shows("2026-01-02T03:00:04Z 4\n");
    }

    private void Follow(LogQuery query)
    {
        var logs = _bed.Logs();
        _following = Task.Run(() => logs.Write(query, _output, default, _end.Token));

        // Nothing is written before it has begun, which it says by a flush.
        Assert.True(SpinWait.SpinUntil(() => _output.Flushes > 1, Patience));
    }

    /// <summary>That this comes next, and nothing else before.</summary>
    private void Shows(string text)
    {
        Assert.True(SpinWait.SpinUntil(() => _output.Text.Length >= text.Length, Patience), $"it shows '{_output.Text}' in place of '{text}'");
        _output.Take(text);
    }

    private sealed class Output : MemoryStream
    {
        private readonly Lock _lock = new();
        private string _text = "";
        private int _flushes;

        public int Flushes => Volatile.Read(ref _flushes);

        public string Text
        {
            get
            {
                lock (_lock)
                {
                    return _text;
                }
            }
        }

        public void Take(string text)
        {
            lock (_lock)
            {
                Assert.StartsWith(text, _text, StringComparison.Ordinal);
                _text = _text[text.Length..];
            }
        }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            lock (_lock)
            {
                _text += Encoding.UTF8.GetString(buffer);
            }
        }

        public override void Flush() => Interlocked.Increment(ref _flushes);
    }
}
