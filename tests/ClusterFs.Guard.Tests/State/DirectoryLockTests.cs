using System.Runtime.InteropServices;
using ClusterFs.Posix;

namespace ClusterFs.Guard.Tests.State;

public sealed partial class DirectoryLockTests
{
    [Fact]
    public void A_lock_that_was_given_back_is_free_though_a_child_being_started_still_has_its_descriptor()
    {
        var directory = Directory.CreateTempSubdirectory("clusterfs-lock-").FullName;
        var held = DirectoryLock.TryTake(directory);
        Assert.NotNull(held);
        Assert.Null(DirectoryLock.TryTake(directory));
        var copy = Duplicate(DescriptorOf(Path.Combine(directory, "lock")));
        Assert.True(copy >= 0);
        try
        {
            held.Dispose();
            using var again = DirectoryLock.TryTake(directory);
            Assert.NotNull(again);
        }
        finally
        {
            _ = Close(copy);
            Directory.Delete(directory, recursive: true);
        }
    }

    private static int DescriptorOf(string file) => int.Parse(
        Path.GetFileName(Directory.EnumerateFileSystemEntries("/proc/self/fd").First(link => new FileInfo(link).LinkTarget == file)),
        System.Globalization.CultureInfo.InvariantCulture);

    [LibraryImport("libc", EntryPoint = "dup", SetLastError = true)]
    private static partial int Duplicate(int descriptor);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
