using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using ClusterFs.Archive.Log;
using ClusterFs.Posix;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace ClusterFs.Archive.Packs;

/// <summary>
/// Builds one pack under a temporary name and publishes it whole. Until <see cref="Publish"/> nothing of it can be seen; a pack that is
/// disposed unpublished leaves nothing behind. Not safe for use by several threads.
/// </summary>
internal sealed class PackWriter : IDisposable
{
    private readonly ArchiveLayout _layout;
    private readonly string _temporary;
    private readonly FileStream _file;
    private readonly Compressor _compressor = new(PackFormat.CompressionLevel);
    private readonly byte[] _input = ArrayPool<byte>.Shared.Rent(PackFormat.ExtentSize);
    private readonly byte[] _output = ArrayPool<byte>.Shared.Rent(Compressor.GetCompressBound(PackFormat.ExtentSize));
    private readonly List<FileContent> _written = [];
    private bool _gone;

    public PackWriter(ArchiveLayout layout, string nonce)
    {
        _layout = layout;
        Nonce = nonce;
        _temporary = layout.NewTemporary(nonce);
        _compressor.SetParameter(ZSTD_cParameter.ZSTD_c_checksumFlag, 1);
        _file = SharedStorage.Reach(
            _temporary, () => new FileStream(_temporary, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0));
        Write(PackFormat.Header);
    }

    public string Nonce { get; }

    /// <summary>Length of the whole pack; known once it is published.</summary>
    public long StoredBytes { get; private set; }

    /// <summary>Appends the content of a stream, from where it stands to its end.</summary>
    public FileContent Append(Stream source, CancellationToken cancellation)
    {
        var start = _file.Position;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var extents = new List<Extent>();
        var size = 0L;
        try
        {
            while (true)
            {
                cancellation.ThrowIfCancellationRequested();
                var read = source.ReadAtLeast(_input.AsSpan(0, PackFormat.ExtentSize), PackFormat.ExtentSize, throwOnEndOfStream: false);
                if (read == 0)
                {
                    break;
                }

                hash.AppendData(_input, 0, read);
                extents.Add(AppendFrame(_input.AsSpan(0, read)));
                size += read;
            }
        }
        catch
        {
            Rewind(start);
            throw;
        }

        var content = new FileContent(size, Convert.ToHexStringLower(hash.GetHashAndReset()), extents);
        _written.Add(content);
        return content;
    }

    /// <summary>Takes back the content appended last.</summary>
    public void TakeBack(FileContent content)
    {
        if (_written.Count == 0 || !ReferenceEquals(_written[^1], content))
        {
            throw new InvalidOperationException("Only the content appended last can be taken back.");
        }

        _written.RemoveAt(_written.Count - 1);
        if (content.Extents.Count > 0)
        {
            Rewind(content.Extents[0].Offset);
        }
    }

    /// <summary>
    /// Appends the manifest, syncs, reads everything back from storage and compares it, and gives the pack its name. Only then may anything
    /// refer to it.
    /// </summary>
    public ManifestLocation Publish(Manifest manifest, CancellationToken cancellation)
    {
        var location = AppendManifest(ManifestFormat.Write(manifest));
        SharedStorage.Reach(_temporary, () =>
        {
            StoredBytes = _file.Length;
            _file.Flush(flushToDisk: true);
            FileAttribution.ForgetCached(_file.SafeFileHandle);
            _file.Dispose();
        });
        VerifyWritten(location, cancellation);
        SharedStorage.Publish(_temporary, _layout.Pack(Nonce));
        _gone = true;
        return location;
    }

    public void Dispose()
    {
        _file.Dispose();
        _compressor.Dispose();
        ArrayPool<byte>.Shared.Return(_input);
        ArrayPool<byte>.Shared.Return(_output);
        if (!_gone)
        {
            _gone = true;
            try
            {
                File.Delete(_temporary);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // The storage is away. What is left in tmp/ is garbage that nothing refers to.
            }
        }
    }

    private Extent AppendFrame(ReadOnlySpan<byte> bytes)
    {
        var offset = _file.Position;
        var length = _compressor.Wrap(bytes, _output);
        Write(_output.AsSpan(0, length));
        return new Extent(Nonce, offset, length, bytes.Length);
    }

    private ManifestLocation AppendManifest(byte[] bytes)
    {
        if (bytes.Length > PackFormat.MaxManifestSize)
        {
            throw new ArchiveException($"The list of files has {bytes.Length} bytes, more than an archive takes. Split the service's live content.");
        }

        var offset = _file.Position;
        var frame = _compressor.Wrap(bytes).ToArray();
        Write(frame);
        var hash = SHA256.HashData(bytes);

        Span<byte> trailer = stackalloc byte[PackFormat.TrailerLength];
        BinaryPrimitives.WriteInt64LittleEndian(trailer, offset);
        BinaryPrimitives.WriteInt64LittleEndian(trailer[8..], frame.Length);
        BinaryPrimitives.WriteInt64LittleEndian(trailer[16..], bytes.Length);
        hash.CopyTo(trailer[24..]);
        PackFormat.TrailerMagic.CopyTo(trailer[56..]);
        Write(trailer);
        return new ManifestLocation(Nonce, offset, frame.Length, bytes.Length, Convert.ToHexStringLower(hash));
    }

    private void VerifyWritten(ManifestLocation location, CancellationToken cancellation)
    {
        using var reader = new PackReader(pack => pack == Nonce ? _temporary : _layout.Pack(pack));
        foreach (var content in _written)
        {
            using var stream = new ContentStream(reader, content, "what was just written");
            stream.ReadToEnd(cancellation);
        }

        _ = reader.ReadManifestBytes(location);
    }

    private void Rewind(long position) => SharedStorage.Reach(_temporary, () =>
    {
        _file.SetLength(position);
        _file.Position = position;
    });

    private void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _file.Write(bytes);
        }
        catch (IOException error)
        {
            throw new SharedStorageException(_temporary, $"{error.Message.TrimEnd('.')}. Check that it is mounted, and has space.", error);
        }
    }
}
