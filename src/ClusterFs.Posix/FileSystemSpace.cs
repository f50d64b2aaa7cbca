namespace ClusterFs.Posix;

/// <summary>How much a file system has room for.</summary>
/// <param name="Bytes">Its size.</param>
/// <param name="FreeBytes">What this user may still write.</param>
/// <param name="Files">How many files it can have; 0 where it does not count them.</param>
/// <param name="FreeFiles">How many more.</param>
public readonly record struct FileSystemSpace(long Bytes, long FreeBytes, long Files, long FreeFiles)
{
    private const int Size = 256;
    private const int BlockSize = 1;
    private const int Blocks = 2;
    private const int FreeBlocks = 4;
    private const int AllFiles = 5;
    private const int MoreFiles = 6;
    private const int FragmentSize = 9;

    /// <exception cref="PosixException">There is no such path, or the kernel refuses.</exception>
    public static unsafe FileSystemSpace Of(string path)
    {
        var status = stackalloc byte[Size];
        if (Libc.ReadFileSystem(path, status) != 0)
        {
            throw PosixException.Last("statfs", path);
        }

        var fields = (long*)status;
        var unit = fields[FragmentSize] > 0 ? fields[FragmentSize] : fields[BlockSize];
        return new FileSystemSpace(fields[Blocks] * unit, fields[FreeBlocks] * unit, fields[AllFiles], fields[MoreFiles]);
    }
}
