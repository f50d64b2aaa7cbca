using System.Runtime.InteropServices;

namespace ClusterFs.Posix;

/// <summary>The standard output, without a buffer. .NET's own keeps silent when whoever reads it is gone, and goes on.</summary>
public sealed unsafe class StandardOutputStream : Stream
{
    private const int Descriptor = 1;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

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

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
