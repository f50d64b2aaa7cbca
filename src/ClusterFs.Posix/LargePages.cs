using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Posix;

/// <summary>
/// Memory in the processor's large pages, as far as the kernel has any to give (<c>madvise(2)</c>, <c>MADV_HUGEPAGE</c>). What is moved past the cache, from
/// there or to there, goes in large pieces. Of ordinary pages, which lie anywhere, each is a piece of its own, and a virtual disk is less than half as fast.
/// Has to be disposed of, as nothing else gives it back; no span of it may be used after that.
/// </summary>
public sealed unsafe class LargePages : MemoryManager<byte>
{
    /// <summary>Of one page, in bytes; machines where they are of another size have ordinary ones for this.</summary>
    public const int PageSize = 2 << 20;

    private readonly int _length;
    private readonly nint _mapped;
    private readonly nuint _mappedLength;
    private byte* _start;

    /// <param name="length">In bytes. Memory is taken in whole large pages, when it is first used; less than half of one is in ordinary pages.</param>
    /// <exception cref="InsufficientMemoryException">The machine has not so much.</exception>
    public LargePages(int length)
    {
        _length = length;
        var whole = ((nuint)length + PageSize - 1) / PageSize * PageSize;
        _mappedLength = whole + PageSize;
        using var none = new SafeFileHandle(-1, ownsHandle: false);
        _mapped = Libc.Map(0, _mappedLength, Libc.MapRead | Libc.MapWrite, Libc.MapPrivateMemory, none, 0);
        if (_mapped == -1)
        {
            throw new InsufficientMemoryException($"no room for {length} bytes: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");
        }

        _start = (byte*)((_mapped + PageSize - 1) / PageSize * PageSize);
        if (length >= PageSize / 2)
        {
            _ = Libc.Advise((nint)_start, whole, Libc.AdviseLargePages);
        }
    }

    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        return new Span<byte>(_start, _length);
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ObjectDisposedException.ThrowIf(_start is null, this);
        return new MemoryHandle(_start + elementIndex);
    }

    public override void Unpin()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (_start is not null)
        {
            _start = null;
            _ = Libc.Unmap(_mapped, _mappedLength);
        }
    }
}
