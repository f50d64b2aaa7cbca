using ClusterFs.Archive.Packs;
using ClusterFs.Archive.Restore;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Archive.Lineage;

/// <summary>
/// Makes a plan true of the live tree, away from the live path, so that nobody finds it half changed there. Before it starts, the marker names the plan. By its
/// name the plan tells how far that is: while it is only the plan, nothing was changed, and the tree is put back; once it has begun, it is done once more after a
/// crash anywhere, until it is called done.
/// </summary>
internal static class ChangeInPlace
{
    private static readonly Dictionary<string, SafeFileHandle> NoneHeld = [];

    /// <summary>Puts in order what a crash left. Needs no archive. Afterwards the live path names the old content or the new one, whole and durable.</summary>
    /// <returns>Whether it is the new one.</returns>
    /// <exception cref="LocalContentException">
    /// It cannot go on, and says what to do. Nothing was deleted, and the next call goes on from there.
    /// </exception>
    public static bool Recover(MarkerDirectory directory, string live, PendingChange change, Action<string> atPoint)
    {
        var changing = directory.Changing;
        if (File.Exists(changing.DoneFile))
        {
            MoveBack(directory, live, change, atPoint);
            return true;
        }

        if (File.Exists(changing.PlanFile))
        {
            // Somebody may have used the tree since: the plan is of what it was.
            MoveBack(directory, live, change, atPoint);
            return false;
        }

        var plan = ReadPlan(directory, live, change);
        var writer = new ChangeWriter(changing, plan, NoneHeld);
        RequirePages(directory, live, writer);
        RequireAway(directory, live, change);
        File.Delete(changing.RoomFile);
        Write(directory, live, change, writer, own: null, atPoint);
        return true;
    }

    /// <summary>To be asked where no marker of our own tells of the content: what is away may be all there is of it, and is not ours to delete.</summary>
    /// <exception cref="LocalContentException">There is content away to be changed. The message says whose it is.</exception>
    public static void RequireNone(MarkerDirectory directory, string live)
    {
        var marker = directory.Read();
        var isAway = FileStatus.TryRead(directory.Changing.Tree) is not null;
        if (!isAway && marker?.Change is null)
        {
            return;
        }

        var goOn = marker switch
        {
            null => $"{directory.MarkerFile}, which tells of it, is missing or damaged. To give it up, ",
            { IsKnown: false } => $"{directory.MarkerFile}, which tells of it, is of another version of ClusterFs. Let that go on with it; or, to give it up, ",
            var other => $"that was for {other.Service} on {other.Node}: let it go on under these names. Or, to give it up, ",
        };
        var where = isAway
            ? $"{directory.Changing.Tree} holds what there is of the content of {live}, which was being changed"
            : $"{live} was being changed, and that was not brought to its end";
        throw new LocalContentException($"{where}; {goOn}{ToGiveUp(directory)}");
    }

    /// <summary>Makes a plan true that was just announced.</summary>
    /// <param name="own">Told when all of the tree is changed that will be, and when others are about to have it.</param>
    /// <returns>
    /// False when the tree could not be moved away, or somebody else came to a file of it before that. It is where it was then, and nothing has changed.
    /// </returns>
    /// <exception cref="LocalContentException">See <see cref="Recover"/>.</exception>
    public static bool TryBegin(
        MarkerDirectory directory, string live, PendingChange change, ChangePlan plan, ChangeStage stage, OwnChanges own, Action<string> atPoint)
    {
        var changing = directory.Changing;
        try
        {
            File.Delete(changing.RoomFile);
            MoveAway(directory, live, change);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not LocalContentException)
        {
            MoveBack(directory, live, change, atPoint);
            return false;
        }

        atPoint("moved away");
        if (!stage.HasBases)
        {
            MoveBack(directory, live, change, atPoint);
            return false;
        }

        OrAway(directory, live, () =>
        {
            Durable.Rename(changing.PlanFile, changing.BegunFile);
            Durable.SyncDirectory(changing.Path);
        });
        atPoint("begun");
        Write(directory, live, change, new ChangeWriter(changing, plan, stage.Held), own, atPoint);
        return true;
    }

    private static void Write(
        MarkerDirectory directory, string live, PendingChange change, ChangeWriter writer, OwnChanges? own, Action<string> atPoint)
    {
        var changing = directory.Changing;
        OrAway(directory, live, () =>
        {
            using var disk = FileSystemSync.Before(changing.Path);
            writer.Write();
            own?.End();
            atPoint("changed");
            disk.Complete();

            // Durable before the tree is where somebody may use it: what is written to it there is not undone.
            Durable.Rename(changing.BegunFile, changing.DoneFile);
            Durable.SyncDirectory(changing.Path);
        });
        atPoint("written");
        own?.AwaitOthers();
        MoveBack(directory, live, change, atPoint);
    }

    /// <summary>What fails meanwhile tells where the content is.</summary>
    private static void OrAway(MarkerDirectory directory, string live, Action step)
    {
        try
        {
            step();
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException)
        {
            throw new LocalContentException(
                $"{live} is being changed, and that could not go on: {error.Message.TrimEnd('.')}. Mend that, where it can be mended, and try again: it goes on from there. "
                + $"Until then the content is neither the old nor the new one, and lies in {directory.Changing.Tree}. Or, to have a dump restored in its place, "
                + ToGiveUp(directory),
                error);
        }
    }

    /// <summary>Durable before anything is changed: a power cut, too, leaves nothing half changed at the live path.</summary>
    private static void MoveAway(MarkerDirectory directory, string live, PendingChange change)
    {
        var changing = directory.Changing;
        if (!IsAt(live, change))
        {
            throw Gone(directory, live);
        }

        if (!Durable.TryRenameToFree(live, changing.Tree))
        {
            throw new IOException($"{changing.Tree} is in the way.");
        }

        Durable.SyncDirectory(Path.GetDirectoryName(live)!);
        Durable.SyncDirectory(changing.Path);
    }

    private static void MoveBack(MarkerDirectory directory, string live, PendingChange change, Action<string> atPoint)
    {
        var changing = directory.Changing;
        try
        {
            // Nothing is written out of it any more, and what comes needs room on a disk that may be full.
            File.Delete(changing.PagesFile);
            if (IsAt(changing.Tree, change))
            {
                RequireFree(directory, live);
                if (!Durable.TryRenameToFree(changing.Tree, live))
                {
                    RequireFree(directory, live);
                }
            }
            else if (!IsAt(live, change))
            {
                throw Gone(directory, live);
            }

            Durable.SyncDirectory(changing.Path);
            Durable.SyncDirectory(Path.GetDirectoryName(live)!);
        }
        catch (Exception error) when (error is UnauthorizedAccessException or IOException and not LocalContentException)
        {
            throw new LocalContentException(
                $"The content of {live} is whole, but could not be moved back from {changing.Tree}: {error.Message.TrimEnd('.')}. Mend that and try again: it goes on from there.",
                error);
        }

        atPoint("moved back");
    }

    private static ChangePlan ReadPlan(MarkerDirectory directory, string live, PendingChange change)
    {
        var file = directory.Changing.BegunFile;
        try
        {
            var bytes = File.ReadAllBytes(file);
            return ChangePlan.DigestOf(bytes).ToString() == change.Plan
                ? ChangePlan.Read(bytes)
                : throw Damaged(directory, live, file, "it is not what was written");
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException or FormatException)
        {
            throw Damaged(directory, live, file, error.Message.TrimEnd('.'));
        }
    }

    private static void RequirePages(MarkerDirectory directory, string live, ChangeWriter writer)
    {
        var file = directory.Changing.PagesFile;
        try
        {
            if (!writer.HasPages())
            {
                throw Damaged(directory, live, file, "it is not what was written");
            }
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            throw Damaged(directory, live, file, error.Message.TrimEnd('.'));
        }
    }

    private static bool IsAt(string path, PendingChange change) =>
        FileStatus.TryRead(path) is { Kind: FileKind.Directory } status && status.Inode == change.Inode;

    /// <summary>Only this process, once all is done, puts a tree back that was begun to be changed.</summary>
    private static void RequireAway(MarkerDirectory directory, string live, PendingChange change)
    {
        var tree = directory.Changing.Tree;
        if (IsAt(live, change))
        {
            throw new LocalContentException(
                $"{live} was moved there while it was half changed: it is neither the old content nor the new one. Move it to {tree} and try again: it goes on from "
                + $"there. Or, to have a dump restored in its place, {ToGiveUp(directory)}");
        }

        if (!IsAt(tree, change))
        {
            throw Gone(directory, live);
        }

        RequireFree(directory, live);
    }

    private static void RequireFree(MarkerDirectory directory, string live)
    {
        if (FileStatus.TryRead(live) is not null)
        {
            throw new LocalContentException(
                $"{live} has appeared while the content was away in {directory.Changing.Tree} to be changed. Move {live} elsewhere and try again: it goes on from there.");
        }
    }

    private static LocalContentException Gone(MarkerDirectory directory, string live) => new(
        $"{live} was being changed, and its tree is neither there nor in {directory.Changing.Tree}. Put it back where it was and try again; or {ToGiveUp(directory)}");

    private static LocalContentException Damaged(MarkerDirectory directory, string live, string file, string what) => new(
        $"{file} is damaged: {what}. By it {live} was being changed, which cannot go on; what there is of the content, neither the old nor the new, lies there or in "
        + $"{directory.Changing.Tree}. To have a dump restored in its place, {ToGiveUp(directory)}");

    private static string ToGiveUp(MarkerDirectory directory) =>
        $"move {directory.Changing.Path} elsewhere and delete {directory.MarkerFile}: then the content counts for none, and the next takeover or restore writes it anew.";
}
