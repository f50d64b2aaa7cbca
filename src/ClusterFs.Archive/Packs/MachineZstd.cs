using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace ClusterFs.Archive.Packs;

/// <summary>
/// The machine's own zstd library, where it has one: it is faster than what is compiled in. Frames are the same format either way. For use by
/// several threads.
/// </summary>
internal sealed unsafe class MachineZstd
{
    private const string Name = "libzstd.so.1";

    /// <summary>From 1.4.0 on the calls used here are stable.</summary>
    private const uint OldestVersion = 10400;

    private const int CompressionLevel = 100;
    private const int ChecksumFlag = 201;

    private readonly ConcurrentBag<nint> _compressors = [];
    private readonly ConcurrentBag<nint> _decompressors = [];
    private readonly delegate* unmanaged<nint> _createCompressor;
    private readonly delegate* unmanaged<nint, nuint> _freeCompressor;
    private readonly delegate* unmanaged<nint, int, int, nuint> _setParameter;
    private readonly delegate* unmanaged<nint, byte*, nuint, byte*, nuint, nuint> _compress;
    private readonly delegate* unmanaged<nint> _createDecompressor;
    private readonly delegate* unmanaged<nint, byte*, nuint, byte*, nuint, nuint> _decompress;
    private readonly delegate* unmanaged<nuint, uint> _isError;
    private readonly delegate* unmanaged<nuint, byte*> _errorName;

    private MachineZstd(nint library)
    {
        _createCompressor = (delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "ZSTD_createCCtx");
        _freeCompressor = (delegate* unmanaged<nint, nuint>)NativeLibrary.GetExport(library, "ZSTD_freeCCtx");
        _setParameter = (delegate* unmanaged<nint, int, int, nuint>)NativeLibrary.GetExport(library, "ZSTD_CCtx_setParameter");
        _compress = (delegate* unmanaged<nint, byte*, nuint, byte*, nuint, nuint>)NativeLibrary.GetExport(library, "ZSTD_compress2");
        _createDecompressor = (delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "ZSTD_createDCtx");
        _decompress = (delegate* unmanaged<nint, byte*, nuint, byte*, nuint, nuint>)NativeLibrary.GetExport(library, "ZSTD_decompressDCtx");
        _isError = (delegate* unmanaged<nuint, uint>)NativeLibrary.GetExport(library, "ZSTD_isError");
        _errorName = (delegate* unmanaged<nuint, byte*>)NativeLibrary.GetExport(library, "ZSTD_getErrorName");
    }

    /// <summary>Null where the machine has none, or one too old.</summary>
    public static MachineZstd? Instance { get; } = Load();

    /// <param name="frame">Long enough for the worst case.</param>
    /// <returns>The length of the frame.</returns>
    public int Compress(ReadOnlySpan<byte> bytes, Span<byte> frame, int level)
    {
        var compressor = Borrow(_compressors, _createCompressor);
        try
        {
            _ = Checked(_setParameter(compressor, CompressionLevel, level));
            _ = Checked(_setParameter(compressor, ChecksumFlag, 1));
            nuint length;
            fixed (byte* source = bytes)
            fixed (byte* target = frame)
            {
                length = Checked(_compress(compressor, target, (nuint)frame.Length, source, (nuint)bytes.Length));
            }

            _compressors.Add(compressor);
            return (int)length;
        }
        catch
        {
            // It stands in the middle of a frame, and is of no use for another.
            _ = _freeCompressor(compressor);
            throw;
        }
    }

    /// <returns>How many bytes came out.</returns>
    /// <exception cref="InvalidDataException">The frame is not one, or larger than the target.</exception>
    public int Decompress(ReadOnlySpan<byte> frame, Span<byte> target)
    {
        var decompressor = Borrow(_decompressors, _createDecompressor);
        try
        {
            fixed (byte* source = frame)
            fixed (byte* bytes = target)
            {
                return (int)Checked(_decompress(decompressor, bytes, (nuint)target.Length, source, (nuint)frame.Length));
            }
        }
        finally
        {
            _decompressors.Add(decompressor);
        }
    }

    private static MachineZstd? Load()
    {
        if (!NativeLibrary.TryLoad(Name, out var library)
            || !NativeLibrary.TryGetExport(library, "ZSTD_versionNumber", out var version)
            || ((delegate* unmanaged<uint>)version)() < OldestVersion)
        {
            return null;
        }

        try
        {
            return new MachineZstd(library);
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    private static nint Borrow(ConcurrentBag<nint> free, delegate* unmanaged<nint> create)
    {
        if (free.TryTake(out var context))
        {
            return context;
        }

        context = create();
        return context != 0 ? context : throw new InvalidOperationException($"{Name} has no memory for a context");
    }

    private nuint Checked(nuint result) => _isError(result) == 0
        ? result
        : throw new InvalidDataException(Marshal.PtrToStringUTF8((nint)_errorName(result)));
}
