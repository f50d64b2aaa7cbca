namespace ClusterFs.Posix;

/// <summary>
/// Makes durable what is written to a file system from now on. Made before the first byte is written: the kernel writes by itself too, and an
/// error that it meets then is reported to those only who had opened the file system before. Not safe for use by several threads.
/// </summary>
public sealed class FileSystemSync : IDisposable
{
    private readonly string _directory;
    private int _descriptor;

    private FileSystemSync(string directory, int descriptor)
    {
        _directory = directory;
        _descriptor = descriptor;
    }

    /// <exception cref="PosixException">The directory cannot be opened.</exception>
    public static FileSystemSync Before(string directory) => new(directory, Durable.Open(directory));

    /// <summary>Makes everything durable that was written so far, by whichever process.</summary>
    /// <exception cref="PosixException">Something written since the last call, or since this was made, did not reach the disk.</exception>
    public void Complete()
    {
        if (Libc.FileSystemSync(_descriptor) != 0)
        {
            throw PosixException.Last("syncfs", _directory);
        }
    }

    public void Dispose()
    {
        if (_descriptor >= 0)
        {
            _ = Libc.Close(_descriptor);
            _descriptor = -1;
        }
    }
}
