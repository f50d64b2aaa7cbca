namespace ClusterFs.Posix;

/// <summary>The memory that the runtime and native libraries take from glibc (<c>mallopt(3)</c>, <c>malloc_trim(3)</c>). Thread-safe.</summary>
public static class NativeHeap
{
    private const int ArenaMax = -8;

    /// <summary>
    /// Threads that begin from now on share the heaps that there are. With one for each of many threads, every one keeps what its largest burst needed.
    /// Where it cannot be had, nothing changes.
    /// </summary>
    public static void Share() => _ = Libc.SetAllocation(ArenaMax, 1);

    /// <summary>
    /// Gives whole pages that nothing uses back to the machine. By itself glibc does so only at the end of its main heap: whatever else was used once
    /// stays resident. Takes a few milliseconds, in which others wait who allocate.
    /// </summary>
    public static void Trim() => _ = Libc.TrimAllocation(0);
}
