using System.Globalization;
using ClusterFs.Posix;

namespace ClusterFs.Content.Placing;

/// <summary>
/// The directory beside a file that is looked after, or a directory or link, where its next content is staged, under its own name, and what was
/// displaced is kept. Hidden, so that no pattern of a configuration includes what is in it.
/// </summary>
/// <param name="file">What is looked after.</param>
/// <param name="part">Of whom, where several look after parts of one file.</param>
internal sealed class StagingPlace(string file, string? part = null)
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode DirectoryMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private const uint DefaultMode = 0x1A4;
    private const string EditedSuffix = ".edited-";

    private readonly string _parent = Path.GetDirectoryName(file)!;
    private readonly string _name = Path.GetFileName(file);

    /// <summary>Whoever may write beside the file could have put a link there, or a directory of their own.</summary>
    private bool IsOurs => Look(Root) is { Kind: FileKind.Directory } status && status.User == Accounts.Current;

    private string Root => Path.Combine(_parent, part is null ? $".{_name}.clusterfs" : $".{_name}.{part}.clusterfs");

    public bool IsLeft => Look(Root) is not null;

    /// <summary>The next content; after an exchange, what it displaced.</summary>
    public string Staged => Path.Combine(Root, _name);

    /// <summary>Where the file system cannot exchange two files: a second name of what is about to be displaced.</summary>
    private string Displaced => Path.Combine(Root, $"{_name}.displaced");

    /// <summary>What was kept aside, oldest first, whoever the directory belongs to by now.</summary>
    public IReadOnlyList<string> Kept
    {
        get
        {
            try
            {
                return Look(Root) is { Kind: FileKind.Directory }
                    ? [.. Directory.EnumerateFileSystemEntries(Root).Where(IsKept).OrderBy(NumberOf).ThenBy(kept => kept, StringComparer.Ordinal)]
                    : [];
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
            {
                // Whoever wants to write there is told.
                return [];
            }
        }
    }

    /// <summary>Writes the next content, with its owner, mode and extended attributes, durably.</summary>
    /// <param name="like">What it has where nothing else is wanted; null where no file is in its place.</param>
    public void Stage(ReadOnlySpan<byte> content, PlacedAttributes wanted, CarriedAttributes? like)
    {
        MakeRoot();
        Remove(Staged);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnerOnly };
        using (var stream = new FileStream(Staged, options))
        {
            stream.Write(content);
            stream.Flush();

            // By the open file: in a directory that is not the daemon's own, its path may lead elsewhere by now.
            var now = FileStatus.Read(stream.SafeFileHandle);
            var (user, group) = (wanted.User ?? like?.User ?? now.User, wanted.Group ?? like?.Group ?? now.Group);
            if (user != now.User || group != now.Group)
            {
                FileAttribution.SetOwner(stream.SafeFileHandle, user, group);
            }

            // The owner first: a change of it takes capabilities away. The mode last: an access control list has one too.
            like?.Give(stream.SafeFileHandle, Staged, withAccess: wanted.Mode is null);
            FileAttribution.SetMode(stream.SafeFileHandle, wanted.Mode ?? like?.Mode ?? DefaultMode);
            stream.Flush(flushToDisk: true);
        }

        Durable.SyncDirectory(Root);
        Durable.SyncDirectory(_parent);
    }

    /// <summary>Makes a symbolic link the next content.</summary>
    public void StageLink(string to) => StageBy(staged => File.CreateSymbolicLink(staged, to));

    /// <summary>Makes whatever is written the next content.</summary>
    /// <param name="write">Writes it, durably, to a path where nothing is.</param>
    public void StageBy(Action<string> write)
    {
        MakeRoot();
        Remove(Staged);
        write(Staged);
        Durable.SyncDirectory(Root);
        Durable.SyncDirectory(_parent);
    }

    /// <summary>Puts the staged content in the file's place. What is displaced stays here, whoever wrote it and when.</summary>
    /// <param name="wasThere">Whether a file was seen in that place.</param>
    /// <exception cref="PlacingException">There is one where none was, or none where one was: the next look will see it.</exception>
    public void Swap(bool wasThere)
    {
        if (!wasThere)
        {
            var isFile = Look(Staged)?.Kind == FileKind.File;
            if (!(isFile ? Durable.TryLink(Staged, file) : Durable.TryRenameToFree(Staged, file)))
            {
                throw new PlacingException($"{file}: somebody has just made it; it is looked at again");
            }

            Durable.SyncDirectory(_parent);
            Remove(Staged);
            return;
        }

        try
        {
            if (!Durable.TryExchange(Staged, file))
            {
                if (Look(file)?.Kind == FileKind.Directory)
                {
                    throw new PlacingException($"{file}: its file system cannot exchange directories; move it away once, or use another one");
                }

                File.Delete(Displaced);
                _ = Durable.TryLink(file, Displaced);
                Durable.SyncDirectory(Root);
                File.Move(Staged, file, overwrite: true);
            }
        }
        catch (PosixException gone) when (gone.Error == PosixException.NoEntry)
        {
            throw new PlacingException($"{file}: somebody has just deleted it; it is looked at again", gone);
        }

        Durable.SyncDirectory(_parent);
        Durable.SyncDirectory(Root);
    }

    /// <summary>Keeps aside what a swap displaced, unless it is known.</summary>
    /// <param name="known">Digests of what was rendered or is about to be: nobody's own.</param>
    /// <returns>Where it was kept; empty when nothing was.</returns>
    /// <exception cref="PlacingException">The directory is not the daemon's own any more.</exception>
    public IReadOnlyList<string> KeepDisplaced(IReadOnlyCollection<string> known)
    {
        var kept = new List<string>();
        if (Look(Root) is null)
        {
            return kept;
        }

        RequireOurs();

        foreach (var left in new[] { Staged, Displaced })
        {
            if (Look(left) is not { } status)
            {
                continue;
            }

            // A second name of what is in its place, or was kept, when a crash came between the two names.
            var isElsewhere = Kept.Prepend(file).Any(other => Look(other) is { } its && (its.Inode, its.Device) == (status.Inode, status.Device));
            if (!isElsewhere && !known.Contains(DigestOf(left)))
            {
                kept.Add(KeepAside(left));
            }
            else
            {
                Remove(left);
            }
        }

        return kept;
    }

    /// <summary>Deletes what was staged and never put anywhere, and the directory when it is empty.</summary>
    public void Clear()
    {
        if (IsOurs)
        {
            Remove(Staged);
            Remove(Displaced);
            _ = Durable.TryRemoveDirectory(Root);
        }
    }

    /// <summary>Puts back what was kept aside. What is there now is kept aside in its turn, unless it is known: somebody may have mended it meanwhile.</summary>
    /// <returns>Where it was kept.</returns>
    public IReadOnlyList<string> PutBack(string kept, IReadOnlyCollection<string> known)
    {
        _ = KeepDisplaced(known);
        Durable.Rename(kept, Staged);
        Swap(Look(file) is not null);
        return KeepDisplaced(known);
    }

    /// <summary>Takes away what is there; kept aside unless it is known.</summary>
    /// <returns>Where it was kept.</returns>
    public IReadOnlyList<string> TakeAway(IReadOnlyCollection<string> known)
    {
        if (Look(file) is null)
        {
            return [];
        }

        MakeRoot();
        _ = KeepDisplaced(known);
        Durable.Rename(file, Staged);
        Durable.SyncDirectory(_parent);
        Durable.SyncDirectory(Root);
        return KeepDisplaced(known);
    }

    /// <summary>Whether what was staged still waits, as it was.</summary>
    public bool HoldsStaged(Predicate<FoundFile> isIt) => IsOurs
        && Look(Staged) is { Kind: FileKind.File } status
        && isIt(new FoundFile(DigestOf(Staged), status.Mode, status.User, status.Group));

    /// <summary>Of a file's content; of other things, what tells them from another.</summary>
    public static string DigestOf(string path)
    {
        if (Look(path) is { Kind: not FileKind.File } other)
        {
            return other.Kind switch
            {
                FileKind.Directory => Tree.DigestOf(path),
                FileKind.SymbolicLink => $"link to {new FileInfo(path).LinkTarget}",
                _ => "special",
            };
        }

        using var handle = UnlockedFile.OpenRead(path);
        return ContentDigests.Of(handle);
    }

    private string KeepAside(string left)
    {
        for (var number = Kept.Select(NumberOf).DefaultIfEmpty().Max() + 1; ; number++)
        {
            var kept = Path.Combine(Root, _name + EditedSuffix + number.ToString(CultureInfo.InvariantCulture));
            var isDirectory = Look(left)?.Kind == FileKind.Directory;
            if (isDirectory ? Durable.TryRenameToFree(left, kept) : Durable.TryLink(left, kept))
            {
                Durable.SyncDirectory(Root);
                if (!isDirectory)
                {
                    File.Delete(left);
                }

                return kept;
            }
        }
    }

    private static void Remove(string path)
    {
        if (Look(path) is { Kind: FileKind.Directory })
        {
            Directory.Delete(path, recursive: true);
        }
        else
        {
            File.Delete(path);
        }
    }

    private void MakeRoot()
    {
        if (!Directory.Exists(_parent))
        {
            throw new PlacingException($"{file}: there is no directory {_parent}; make it, with the owner and mode that it should have");
        }

        if (Look(Root) is null)
        {
            Directory.CreateDirectory(Root, DirectoryMode);
        }

        RequireOurs();
    }

    private void RequireOurs()
    {
        if (IsOurs)
        {
            return;
        }

        var daemon = Accounts.Current;
        throw new PlacingException(Look(Root) is { Kind: FileKind.Directory } status
            ? $"{file}: {Root} belongs to user {status.User}, and the daemon is user {daemon}; give it back (chown {daemon} {Root}), or move it away; what was kept aside may be in it"
            : $"{file}: {Root} is in the way, and is no directory; move it away");
    }

    private static FileStatus? Look(string path) => FileStatus.TryRead(path);

    private bool IsKept(string path) => Path.GetFileName(path).StartsWith(_name + EditedSuffix, StringComparison.Ordinal);

    private int NumberOf(string kept) =>
        int.TryParse(Path.GetFileName(kept).AsSpan(_name.Length + EditedSuffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
