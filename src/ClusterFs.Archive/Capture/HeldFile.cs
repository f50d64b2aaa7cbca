using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Capture;

/// <summary>A large file as of one moment, that may be kept after it was dumped: nobody writes it.</summary>
/// <param name="name">Below the directory of what is kept.</param>
/// <param name="file">Open for reading; closed with this.</param>
internal sealed class HeldFile(string name, SafeFileHandle file) : IDisposable
{
    public string Name => name;

    public SafeFileHandle File => file;

    public long Size { get; } = RandomAccess.GetLength(file);

    /// <summary>Ranges of the content that do not come from this file.</summary>
    public IReadOnlyList<ByteRange> Elsewhere { get; private set; } = [];

    public FileIdentity Identity => FileIdentity.Of(FileStatus.Read(file));

    /// <summary>The content has some ranges from elsewhere.</summary>
    /// <param name="elsewhere">In order, apart.</param>
    public HeldFile With(IReadOnlyList<ByteRange> elsewhere)
    {
        Elsewhere = elsewhere;
        return this;
    }

    /// <summary>What was read of it is in the cache a second time, beside the live file's, for nobody; and to be rid of that would hold up who deletes it.</summary>
    public void Dispose()
    {
        FileAttribution.ForgetCached(file);
        file.Dispose();
    }
}
