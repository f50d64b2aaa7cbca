using ClusterFs.Archive.Manifests;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Restore;

/// <content>How it goes through the directories of the tree, which are held open.</content>
internal sealed partial class ChangePlanner
{
    private void Enter(Entered entered)
    {
        _open.Push(entered);
        if (entered.HasUnreadable)
        {
            Object("a name in it is not valid UTF-8");
        }
    }

    /// <summary>Deepest first: changing an entry changes its directory's time.</summary>
    private void Leave()
    {
        var left = RemoveRest();
        if (!left.IsRight || left.IsTouched)
        {
            if (left.Status is { } status)
            {
                RequireMine(status);
            }

            seenEntries.Change(left.Entry!.Path, null);
            _attributed.Add(AttributesOf(left.Entry));
        }
    }

    private void LeaveRoot(RootAttributes wanted)
    {
        var left = RemoveRest();
        var read = RootAttributes.Read(root, left.Status!.Value);
        var isRight = read.Mode == wanted.Mode
            && Equals(read.Attributes, wanted.Attributes)
            && (!_isRoot || (read.User, read.Group) == (wanted.User, wanted.Group));

        // Also where it is right: whoever made room in it for this process is to put that right.
        if (!isRight || left.IsTouched)
        {
            RequireMine(left.Status.Value);
            _attributed.Add(new PlannedChange.Attributed(
                string.Empty, wanted.Mode, wanted.User, wanted.Group, null, wanted.Attributes, IsDirectory: true));
        }
    }

    private Entered RemoveRest()
    {
        var left = _open.Peek();
        left.Names.PassRest();
        left.Dispose();
        return _open.Pop();
    }

    /// <summary>A name of the innermost directory that was not asked for is to go.</summary>
    private void Remove(string name)
    {
        var opened = _open.Peek();
        Touch(opened);
        var path = opened.Entry is { } entry ? $"{entry.Path}/{name}" : name;
        if (FileStatus.TryRead(opened.Directory![name]) is { } status)
        {
            RequireChangeable(status);
            if (status.Kind == FileKind.Directory)
            {
                // Another's cannot be given another parent.
                RequireMine(status);
            }
        }

        _absent.Add(new PlannedChange.Absent(path));
    }

    /// <param name="directory">Null for one that is not there yet.</param>
    /// <param name="remove">Told each name in it that is to go.</param>
    private sealed class Entered(ManifestEntry? entry, OpenDirectory? directory, Action<string> remove) : IDisposable
    {
        public ManifestEntry? Entry => entry;

        public OpenDirectory? Directory => directory;

        public FileStatus? Status { get; } = directory?.Status;

        public SortedNames Names { get; } = new(directory?.Names.Names ?? [], remove);

        /// <summary>Whether there are names in it that are not valid UTF-8.</summary>
        public bool HasUnreadable => directory?.Names.Unreadable.Length > 0;

        /// <summary>Whether it has the attributes that it is to have.</summary>
        public bool IsRight { get; init; }

        /// <summary>Whether a name in it changes.</summary>
        public bool IsTouched { get; set; }

        public void Dispose() => directory?.Dispose();
    }
}
