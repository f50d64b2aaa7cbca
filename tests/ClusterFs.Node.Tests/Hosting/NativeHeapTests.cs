using System.Runtime.InteropServices;
using ClusterFs.Posix;
using Xunit;

namespace ClusterFs.Node.Tests.Hosting;

public sealed class NativeHeapTests
{
    private const int Pieces = 8192;

    // Below the size at which glibc maps each piece by itself, and gives it back by itself.
    private const int PieceSize = 16 << 10;

    /// <summary>The last piece stays in use, so that all before it is not at the end of the heap.</summary>
    [Fact]
    public void Memory_freed_in_the_midst_of_the_heap_is_no_longer_resident_after_a_trim()
    {
        var pieces = new nint[Pieces];
        for (var i = 0; i < Pieces; i++)
        {
            pieces[i] = Marshal.AllocHGlobal(PieceSize);
            for (var page = 0; page < PieceSize; page += Environment.SystemPageSize)
            {
                Marshal.WriteByte(pieces[i], page, 1);
            }
        }

        foreach (var piece in pieces[..^1])
        {
            Marshal.FreeHGlobal(piece);
        }

        var before = Resident();
        NativeHeap.Trim();
        var after = Resident();
        Marshal.FreeHGlobal(pieces[^1]);

        Assert.True(before - after > (long)Pieces * PieceSize / 2, $"{before >> 20} MiB resident before, {after >> 20} MiB after");
    }

    private static long Resident()
    {
        var line = File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) << 10;
    }
}
