using System.Runtime.CompilerServices;
using ClusterFs.Posix;
using DotNetty.Buffers;

namespace ClusterFs.Node.Hosting;

/// <summary>
/// Gives memory back to the machine that a start or a burst of work needed and nothing uses any more. While the daemon works it is left alone: with many
/// services what gives all back stops it for hundreds of milliseconds.
/// </summary>
internal sealed class IdleMemory : IDisposable
{
    private const string AllocatorType = "io.netty.allocator.type";
    private const string PoolOrder = "io.netty.allocator.maxOrder";

    /// <summary>By how much the heap may grow before it is worth a pause of some tens of milliseconds.</summary>
    private const double Growth = 1.25;
    private const long Spare = 8 << 20;

    /// <summary>Of one processor, from one look to the next: no restore, dump or start takes as little.</summary>
    private const double IdleShare = 0.1;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private (long At, TimeSpan Used) _looked;
    private long? _gaveBack;
    private long _kept;

    public IdleMemory(TimeProvider time)
    {
        _time = time;
        _looked = (time.GetTimestamp(), Environment.CpuUsage.TotalTime);
        _timer = time.CreateTimer(_ => Look(), null, First, LookEvery);
    }

    /// <summary>To be called before anything else of the process works.</summary>
    public static void Prepare()
    {
        // Threads would each keep what a burst needed: a few megabytes with many services.
        NativeHeap.Share();

        // The transport's own switch leaves a pool of 16 MiB for each of two uses of it, and messages here are few and small. It reads these once, and
        // what this process starts is not to see them.
        Environment.SetEnvironmentVariable(AllocatorType, "unpooled");
        Environment.SetEnvironmentVariable(PoolOrder, "3");
        RuntimeHelpers.RunClassConstructor(typeof(PooledByteBufferAllocator).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(ByteBufferUtil).TypeHandle);
        Environment.SetEnvironmentVariable(AllocatorType, null);
        Environment.SetEnvironmentVariable(PoolOrder, null);
    }

    public void Dispose() => _timer.Dispose();

    /// <param name="used">Processor time, within <paramref name="elapsed"/>.</param>
    internal static bool IsIdle(TimeSpan used, TimeSpan elapsed) => used < elapsed * IdleShare;

    private void Look()
    {
        var (before, now) = (_looked, (At: _time.GetTimestamp(), Used: Environment.CpuUsage.TotalTime));
        _looked = now;
        if (IsIdle(now.Used - before.Used, _time.GetElapsedTime(before.At, now.At)) && (_gaveBack is not { } last || _time.GetElapsedTime(last, now.At) >= Every))
        {
            _gaveBack = now.At;
            GiveBack();
        }
    }

    private void GiveBack()
    {
        if (GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes > (_kept * Growth) + Spare)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            _kept = GC.GetGCMemoryInfo(GCKind.Any).TotalCommittedBytes;
        }

        // What the compiler and a burst of work left: 25 to 30 MB with a thousand services.
        NativeHeap.Trim();
    }
}
