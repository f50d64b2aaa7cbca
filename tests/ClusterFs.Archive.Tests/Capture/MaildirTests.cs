using System.Security.Cryptography;
using System.Text;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;

namespace ClusterFs.Archive.Tests.Capture;

/// <summary>Mail that is delivered and read while dumps are taken: written under tmp, renamed to new, and to cur once it was read.</summary>
public sealed class MaildirTests(BtrfsDisk disk) : IClassFixture<BtrfsDisk>, IDisposable
{
    private TestBed? _bed;

    public void Dispose() => _bed?.Dispose();

    [SkippableTheory]
    [InlineData(CaptureMode.Copy, false)]
    [InlineData(CaptureMode.Auto, false)]
    [InlineData(CaptureMode.Auto, true)]
    public void Every_message_in_a_dump_is_whole(CaptureMode mode, bool onBtrfs)
    {
        Skip.If(onBtrfs && disk.Missing is not null, disk.Missing);
        var bed = _bed = new TestBed(onBtrfs ? disk.MountPoint : null);
        foreach (var directory in (string[])["tmp", "new", "cur"])
        {
            Directory.CreateDirectory(Path.Combine(bed.Live("n1"), directory));
        }

        bed.TakeOver("n1", 1);
        using var stop = new CancellationTokenSource();
        var delivered = 0;
        var delivering = Task.Run(() =>
        {
            for (var n = 1; !stop.IsCancellationRequested; n++)
            {
                Deliver(bed.Live("n1"), n);
                Volatile.Write(ref delivered, n);
            }
        });
        try
        {
            TakeDumps(bed, mode, onBtrfs, () => Volatile.Read(ref delivered), () => delivering.IsCompleted);
        }
        finally
        {
            stop.Cancel();
            delivering.GetAwaiter().GetResult();
        }
    }

    private static void TakeDumps(TestBed bed, CaptureMode mode, bool onBtrfs, Func<int> delivered, Func<bool> failed)
    {
        using var content = bed.Open("n1", new CaptureSettings(mode));
        for (var round = 0; round < 5; round++)
        {
            var goal = delivered() + 40;
            Await.That(() => failed() || delivered() > goal, "mail is delivered");
            var before = delivered();

            var dump = Assert.IsType<DumpResult.Committed>(content.Dump(1, CancellationToken.None));

            var messages = Messages(bed.Restored(dump.Record));
            Assert.All(messages, message => Assert.True(IsWhole(message), $"{message} is torn"));
            Assert.NotEmpty(messages);
            if (onBtrfs)
            {
                // As of one moment: none is missing because it was renamed on the way.
                Assert.Subset(messages.Select(NumberOf).ToHashSet(), Enumerable.Range(1, before).ToHashSet());
            }
        }
    }

    private static void Deliver(string maildir, int number)
    {
        var body = new byte[500 + (number * 7919 % 60_000)];
        new Random(number).NextBytes(body);
        var file = Path.Combine(maildir, "tmp", $"{number}");
        using (var stream = File.Create(file))
        {
            stream.Write(Encoding.ASCII.GetBytes(Convert.ToHexString(SHA256.HashData(body))));

            // In pieces, so that a copy may come in between.
            for (var at = 0; at < body.Length; at += 4096)
            {
                stream.Write(body.AsSpan(at, Math.Min(4096, body.Length - at)));
                stream.Flush();
            }

            // As everybody does who delivers mail: the message must be there after a power cut.
            stream.Flush(flushToDisk: true);
        }

        File.Move(file, Path.Combine(maildir, "new", $"{number}"));
        if (number > 10)
        {
            File.Move(Path.Combine(maildir, "new", $"{number - 10}"), Path.Combine(maildir, "cur", $"{number - 10}:2,S"));
        }
    }

    private static List<string> Messages(string maildir) =>
        [.. Directory.EnumerateFiles(Path.Combine(maildir, "new")), .. Directory.EnumerateFiles(Path.Combine(maildir, "cur"))];

    private static int NumberOf(string message) => int.Parse(Path.GetFileName(message).Split(':')[0], System.Globalization.CultureInfo.InvariantCulture);

    private static bool IsWhole(string message)
    {
        var bytes = File.ReadAllBytes(message);
        return bytes.Length >= 64 && Encoding.ASCII.GetString(bytes, 0, 64) == Convert.ToHexString(SHA256.HashData(bytes.AsSpan(64)));
    }
}
