using System.Diagnostics;
using ClusterFs.Archive;
using ClusterFs.Archive.Capture;
using ClusterFs.Archive.Lineage;

namespace ClusterFs.Benchmarks;

/// <summary>
/// What a takeover of one large file costs with a standby copy of the head, with one that is a dump behind, and without any, and what it costs a
/// standby to follow. The file is in the cache of the machine, as far as that has room for it.
/// </summary>
internal sealed class StandbyBench(string scratch, int mebibytes)
{
    private const int Changed = 10 << 20;
    private const int Page = 4096;
    private readonly Random _random = new(1);
    private readonly ServiceArchive _archive = new(Path.Combine(scratch, "shared"), "standby");
    private long _epoch;

    private long Size => (long)mebibytes << 20;

    public int Run()
    {
        ServiceArchive.Initialize(Path.Combine(scratch, "shared"));
        var owner = Path.Combine(scratch, "owner", "live");
        Directory.CreateDirectory(owner);
        Fill(Path.Combine(owner, "database"));
        TakeOver("owner");
        Say("first dump", () => On("owner", content => content.Dump(_epoch, CancellationToken.None)));
        Say("first standby copy", () => Follow("behind"));
        Follow("current");
        Change(Path.Combine(owner, "database"));
        Say("dump of 10 MiB changed", () => On("owner", content => content.Dump(_epoch, CancellationToken.None)));
        GiveUp("owner");
        Say("following it", () => Follow("current"));
        Say("takeover, copy of the head", () => TakeOver("current"));
        GiveUp("current");
        Say("takeover, copy one dump behind", () => TakeOver("behind"));
        GiveUp("behind");
        Say("takeover without a copy", () => TakeOver("cold"));
        return 0;
    }

    /// <summary>The room is needed for the next.</summary>
    private void GiveUp(string node) => Directory.Delete(Path.Combine(scratch, node), recursive: true);

    private static void Say(string what, Action action)
    {
        var started = Stopwatch.GetTimestamp();
        action();
        Console.WriteLine(FormattableString.Invariant($"{what + ":",-34} {Stopwatch.GetElapsedTime(started).TotalSeconds,8:F2} s"));
    }

    private void On(string node, Action<LocalContent> action)
    {
        using var content = LocalContent.Open(_archive, Path.Combine(scratch, node, "live"), node, CaptureMode.Auto);
        action(content);
    }

    private void Follow(string node) => On(node, content => content.Follow(0, null, CancellationToken.None));

    private void TakeOver(string node) => On(node, content => content.TakeOver(++_epoch, null, CancellationToken.None));

    /// <summary>Pages that differ and compress well: the first dump is not what is measured.</summary>
    private void Fill(string file)
    {
        using var stream = new FileStream(file, FileMode.CreateNew);
        var bytes = new byte[1 << 20];
        for (var done = 0L; done < Size; done += bytes.Length)
        {
            for (var page = 0; page < bytes.Length; page += Page)
            {
                _random.NextBytes(bytes.AsSpan(page, 64));
            }

            stream.Write(bytes);
        }
    }

    /// <summary>In runs of 16 pages, all over the file.</summary>
    private void Change(string file)
    {
        const int run = 16 * Page;
        using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Write);
        var bytes = new byte[run];
        for (var done = 0; done < Changed; done += run)
        {
            _random.NextBytes(bytes);
            RandomAccess.Write(handle, bytes, _random.NextInt64(Size / run) * run);
        }
    }
}
