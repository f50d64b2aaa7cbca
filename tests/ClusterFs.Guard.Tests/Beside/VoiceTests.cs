using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using ClusterFs.Guard.Beside;

namespace ClusterFs.Guard.Tests.Beside;

public sealed class VoiceTests
{
    [Fact]
    public void Who_speaks_to_someone_who_does_not_read_never_waits()
    {
        using var reads = new ManualResetEventSlim();
        var voice = new Voice(new Listener(reads));

        var begun = Stopwatch.GetTimestamp();
        for (var line = 0; line < 100_000; line++)
        {
            voice.Say("the lease runs out");
        }

        voice.Dispose();
        Assert.InRange(Stopwatch.GetElapsedTime(begun), TimeSpan.Zero, TimeSpan.FromSeconds(5));
        reads.Set();
    }

    [Fact]
    public void What_was_said_before_the_end_is_heard()
    {
        using var reads = new ManualResetEventSlim(true);
        var listener = new Listener(reads);
        using (var voice = new Voice(listener))
        {
            voice.Say("one");
            voice.Say("two");
        }

        Assert.Equal(["one", "two"], listener.Heard);
    }

    private sealed class Listener(ManualResetEventSlim reads) : TextWriter
    {
        public ConcurrentQueue<string?> Heard { get; } = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override void WriteLine(string? value)
        {
            reads.Wait();
            Heard.Enqueue(value);
        }
    }
}
