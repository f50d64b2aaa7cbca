using System.Security.Cryptography;
using ClusterFs.Archive.Log;
using Microsoft.Win32.SafeHandles;
using ZstdSharp;

namespace ClusterFs.Archive.Packs;

/// <summary>Reads frames out of packs, keeping the packs open between reads. Not safe for use by several threads.</summary>
internal sealed class PackReader(Func<string, string> fileOf) : IDisposable
{
    private const int MaxOpen = 64;

    private readonly Dictionary<string, SafeFileHandle> _open = [];
    private readonly Decompressor _decompressor = new();
    private byte[] _frame = [];

    public string FileOf(string pack) => fileOf(pack);

    /// <summary>Decompresses an extent.</summary>
    /// <param name="target">Exactly as long as the extent's size.</param>
    /// <param name="what">Whose bytes they are; for messages.</param>
    public void Read(Extent extent, Span<byte> target, string what)
    {
        if (_frame.Length < extent.Length)
        {
            _frame = new byte[Math.Max(extent.Length, Compressor.GetCompressBound(PackFormat.ExtentSize))];
        }

        var frame = _frame.AsSpan(0, extent.Length);
        ReadExactly(extent.Pack, extent.Offset, frame, what);
        Decompress(extent.Pack, frame, target, what);
    }

    /// <summary>Reads a manifest and checks it against its hash and against the rules.</summary>
    public Manifest ReadManifest(ManifestLocation location, string service)
    {
        var file = FileOf(location.Pack);
        var manifest = ManifestFormat.Read(file, ReadManifestBytes(location));
        if (ManifestRules.Objection(manifest) is { } objection)
        {
            throw new HostileManifestException(file, objection);
        }

        return manifest.Service == service
            ? manifest
            : throw new DamagedArchiveException(file, $"it belongs to service '{manifest.Service}' instead of '{service}'");
    }

    public byte[] ReadManifestBytes(ManifestLocation location)
    {
        const string what = "the manifest";
        var file = FileOf(location.Pack);
        if (location.Size is < 0 or > PackFormat.MaxManifestSize || location.Length is < 0 or > PackFormat.MaxManifestSize || location.Offset < 0)
        {
            throw new HostileManifestException(file, $"it is said to have {location.Size} bytes");
        }

        var frame = new byte[location.Length];
        ReadExactly(location.Pack, location.Offset, frame, what);
        var bytes = new byte[location.Size];
        Decompress(location.Pack, frame, bytes, what);
        return Convert.ToHexStringLower(SHA256.HashData(bytes)) == location.Sha256
            ? bytes
            : throw new DamagedArchiveException(file, "the SHA-256 of its manifest does not match");
    }

    public void Dispose()
    {
        foreach (var handle in _open.Values)
        {
            handle.Dispose();
        }

        _decompressor.Dispose();
    }

    private void ReadExactly(string pack, long offset, Span<byte> target, string what)
    {
        var file = FileOf(pack);
        var done = 0;
        try
        {
            var handle = Open(pack, file, what);
            while (done < target.Length)
            {
                var read = RandomAccess.Read(handle, target[done..], offset + done);
                if (read == 0)
                {
                    throw new DamagedArchiveException(file, $"it ends before {what} at byte {offset}");
                }

                done += read;
            }
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not ArchiveException)
        {
            throw new SharedStorageException(file, $"{error.Message.TrimEnd('.')}. Check that it is mounted and readable.", error);
        }
    }

    private void Decompress(string pack, ReadOnlySpan<byte> frame, Span<byte> target, string what)
    {
        int size;
        try
        {
            size = _decompressor.Unwrap(frame, target);
        }
        catch (ZstdException error)
        {
            throw new DamagedArchiveException(FileOf(pack), $"{what} cannot be decompressed ({error.Message})", error);
        }

        if (size != target.Length)
        {
            throw new DamagedArchiveException(FileOf(pack), $"{what} has {size} bytes instead of {target.Length}");
        }
    }

    private SafeFileHandle Open(string pack, string file, string what)
    {
        if (_open.TryGetValue(pack, out var known))
        {
            return known;
        }

        if (_open.Count >= MaxOpen)
        {
            foreach (var other in _open.Values)
            {
                other.Dispose();
            }

            _open.Clear();
        }

        try
        {
            var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            _open.Add(pack, handle);
            Span<byte> header = stackalloc byte[PackFormat.Header.Length];
            return RandomAccess.Read(handle, header, 0) == header.Length && header.SequenceEqual(PackFormat.Header)
                ? handle
                : throw new DamagedArchiveException(file, "it does not begin like a pack");
        }
        catch (FileNotFoundException error)
        {
            throw new DamagedArchiveException(file, $"the pack is missing, and with it {what}", error);
        }
    }
}
