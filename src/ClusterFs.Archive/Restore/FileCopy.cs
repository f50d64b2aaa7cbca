using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Restore;

/// <summary>Copies bytes between files of this node, inside the kernel where it can, on the thread of the caller.</summary>
internal static class FileCopy
{
    private const int Piece = 16 << 20;

    /// <summary>Fills an empty file with the first bytes of another. Blocks are shared where the file system can; then it gets all of them.</summary>
    public static void Whole(SafeFileHandle from, SafeFileHandle to, long length, CancellationToken cancellation)
    {
        if (FileClone.TryShare(from, to))
        {
            return;
        }

        for (var done = 0L; done < length;)
        {
            cancellation.ThrowIfCancellationRequested();
            var copied = Range(from, to, done, Math.Min(Piece, length - done));
            if (copied == 0)
            {
                return;
            }

            Durable.BeginSync(to, done, copied);
            done += copied;
        }
    }

    /// <summary>Copies a range to the same place.</summary>
    /// <returns>How many bytes were copied: less than asked only where the source ends.</returns>
    public static long Range(SafeFileHandle from, SafeFileHandle to, long offset, long length)
    {
        var done = FileClone.Copy(from, to, offset, length);
        if (done == length)
        {
            return done;
        }

        var buffer = new byte[Math.Min(1 << 20, length - done)];
        int read;
        while (done < length && (read = RandomAccess.Read(from, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - done)), offset + done)) > 0)
        {
            RandomAccess.Write(to, buffer.AsSpan(0, read), offset + done);
            done += read;
        }

        return done;
    }
}
