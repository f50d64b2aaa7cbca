namespace ClusterFs.Posix;

/// <summary>The memory that the runtime and native libraries take from glibc (<c>mallopt(3)</c>).</summary>
public static class NativeHeap
{
    private const int ArenaMax = -8;

    /// <summary>
    /// All threads share one heap from now on. With one for each of many threads, every one keeps what its largest burst needed. Call it before
    /// there are others; where it cannot be had, nothing changes.
    /// </summary>
    public static void Share() => _ = Libc.SetAllocation(ArenaMax, 1);
}
