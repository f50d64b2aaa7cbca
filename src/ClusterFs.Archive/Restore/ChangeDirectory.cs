using System.Globalization;
using ClusterFs.Archive.Capture;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <summary>Where a change of a tree is staged and made: beside the tree, on the same file system.</summary>
internal sealed class ChangeDirectory(string path)
{
    public string Path => path;

    /// <summary>There from when all is staged. While it has this name, nothing of the tree was changed.</summary>
    public string PlanFile => System.IO.Path.Combine(path, "plan");

    /// <summary>The plan, once the tree is away from the live path, durable: from then on the content is the new one, only not written yet.</summary>
    public string BegunFile => System.IO.Path.Combine(path, "begun");

    /// <summary>The plan, once all of it is true of the tree, and durable.</summary>
    public string DoneFile => System.IO.Path.Combine(path, "done");

    /// <summary>The pages that large files get, one after the other.</summary>
    public string PagesFile => System.IO.Path.Combine(path, "pages");

    /// <summary>Takes the room that the change will need, so that a disk that is full is found out before.</summary>
    public string RoomFile => System.IO.Path.Combine(path, "room");

    /// <summary>What is seen of the tree while a change is planned.</summary>
    public string SeenEntriesFile => System.IO.Path.Combine(path, "seen-entries");

    /// <summary>The tree while it is changed.</summary>
    public string Tree => System.IO.Path.Combine(path, "tree");

    public string Staged(int number) => System.IO.Path.Combine(path, number.ToString(CultureInfo.InvariantCulture));

    /// <summary>A file that is copied because somebody else has it open.</summary>
    public string CopyFile => System.IO.Path.Combine(path, "copy");

    /// <summary>Something of the tree that is to be there no more. It is deleted once the change is over: by then nothing depends on whether it can be.</summary>
    public string Gone(int number) => System.IO.Path.Combine(path, $"gone.{number.ToString(CultureInfo.InvariantCulture)}");

    /// <summary>Deletes everything. Only while no change is pending.</summary>
    public void CleanUp()
    {
        // Whoever gave up a change was told to move it elsewhere.
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        foreach (var left in Directory.EnumerateFileSystemEntries(path).ToList())
        {
            try
            {
                ScratchTree.Delete(left);
            }
            catch (PosixException) when (Btrfs.IsSubvolume(left))
            {
                // It may be that only root can delete it. It is in nobody's way.
                continue;
            }
            catch (Exception error) when (error is UnauthorizedAccessException or IOException)
            {
                throw new IOException($"{left} is of no use any more, and cannot be deleted: {error.Message}", error);
            }
        }
    }
}
