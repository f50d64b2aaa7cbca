using System.Runtime.InteropServices;

namespace ClusterFs.Posix;

/// <summary>The standard output, without a buffer. .NET's own keeps silent when whoever reads it is gone, and goes on.</summary>
public sealed unsafe class StandardOutputStream : WriteOnlyStream
{
    private const int Descriptor = 1;

    /// <exception cref="PosixException">It cannot be written; <see cref="PosixException.BrokenPipe"/> when nobody reads it any more.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        const int interrupted = 4;
        fixed (byte* bytes = buffer)
        {
            for (var done = 0; done < buffer.Length;)
            {
                var written = Libc.Write(Descriptor, bytes + done, (nuint)(buffer.Length - done));
                if (written >= 0)
                {
                    done += (int)written;
                }
                else if (Marshal.GetLastPInvokeError() != interrupted)
                {
                    throw PosixException.Last("write", "the standard output");
                }
            }
        }
    }

    public override void Flush()
    {
    }
}
