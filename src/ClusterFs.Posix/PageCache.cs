using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>What the kernel has of files in its memory.</summary>
public static class PageCache
{
    /// <summary>Whether the kernel has most of a range at hand, so that reading past its memory would only take longer. Reads nothing. Safe for several threads.</summary>
    /// <param name="offset">A multiple of the machine's page size, in bytes.</param>
    /// <param name="length">Above 0, in bytes.</param>
    /// <returns>True too where the kernel does not tell.</returns>
    public static unsafe bool HasMostOf(SafeFileHandle file, long offset, int length)
    {
        var at = Libc.Map(0, (nuint)length, Libc.MapRead, Libc.MapShared, file, offset);
        if (at == -1)
        {
            return true;
        }

        try
        {
            var resident = new byte[(length + Environment.SystemPageSize - 1) / Environment.SystemPageSize];
            fixed (byte* pages = resident)
            {
                return Libc.FindResident(at, (nuint)length, pages) != 0 || resident.Count(page => (page & 1) != 0) * 2 > resident.Length;
            }
        }
        finally
        {
            _ = Libc.Unmap(at, (nuint)length);
        }
    }
}
