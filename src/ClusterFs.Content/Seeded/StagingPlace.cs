using System.Globalization;
using ClusterFs.Posix;

namespace ClusterFs.Content.Seeded;

/// <summary>
/// The directory beside a seeded file where its next content is staged, under its own name, and what was displaced is kept. Hidden, so that no
/// pattern of a configuration includes what is in it.
/// </summary>
/// <param name="file">The seeded file.</param>
internal sealed class StagingPlace(string file)
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

    private string Root => Path.Combine(_parent, $".{_name}.clusterfs");

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
                    ? [.. Directory.EnumerateFiles(Root).Where(IsKept).OrderBy(NumberOf).ThenBy(kept => kept, StringComparer.Ordinal)]
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
    public void Stage(ReadOnlySpan<byte> content, SeedAttributes wanted, CarriedAttributes? like)
    {
        MakeRoot();
        File.Delete(Staged);
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

    /// <summary>Puts the staged content in the file's place. What is displaced stays here, whoever wrote it and when.</summary>
    /// <param name="wasThere">Whether a file was seen in that place.</param>
    /// <exception cref="SeedException">There is one where none was, or none where one was: the next look will see it.</exception>
    public void Swap(bool wasThere)
    {
        if (!wasThere)
        {
            if (!Durable.TryLink(Staged, file))
            {
                throw new SeedException($"{file}: somebody has just made it; it is looked at again");
            }

            Durable.SyncDirectory(_parent);
            File.Delete(Staged);
            return;
        }

        try
        {
            if (!Durable.TryExchange(Staged, file))
            {
                File.Delete(Displaced);
                _ = Durable.TryLink(file, Displaced);
                Durable.SyncDirectory(Root);
                File.Move(Staged, file, overwrite: true);
            }
        }
        catch (PosixException gone) when (gone.Error == PosixException.NoEntry)
        {
            throw new SeedException($"{file}: somebody has just deleted it; it is looked at again", gone);
        }

        Durable.SyncDirectory(_parent);
        Durable.SyncDirectory(Root);
    }

    /// <summary>Keeps aside what a swap displaced, unless it is known.</summary>
    /// <param name="known">Digests of what was rendered or is about to be: nobody's own.</param>
    /// <returns>Where it was kept; empty when nothing was.</returns>
    /// <exception cref="SeedException">The directory is not the daemon's own any more.</exception>
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
                File.Delete(left);
            }
        }

        return kept;
    }

    /// <summary>Deletes what was staged and never put anywhere, and the directory when it is empty.</summary>
    public void Clear()
    {
        if (IsOurs)
        {
            File.Delete(Staged);
            File.Delete(Displaced);
            _ = Durable.TryRemoveDirectory(Root);
        }
    }

    /// <summary>Whether a rendering still waits in its place, as it was staged.</summary>
    public bool HoldsStaged(SeedOrigin rendering) => IsOurs
        && Look(Staged) is { Kind: FileKind.File } status
        && rendering.IsIn(new FoundFile(DigestOf(Staged), status.Mode, status.User, status.Group));

    public static string DigestOf(string path)
    {
        using var handle = UnlockedFile.OpenRead(path);
        return ContentDigests.Of(handle);
    }

    private string KeepAside(string left)
    {
        for (var number = Kept.Select(NumberOf).DefaultIfEmpty().Max() + 1; ; number++)
        {
            var kept = Path.Combine(Root, _name + EditedSuffix + number.ToString(CultureInfo.InvariantCulture));
            if (Durable.TryLink(left, kept))
            {
                Durable.SyncDirectory(Root);
                File.Delete(left);
                return kept;
            }
        }
    }

    private void MakeRoot()
    {
        if (!Directory.Exists(_parent))
        {
            throw new SeedException($"{file}: there is no directory {_parent}; make it, with the owner and mode that it should have");
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
        throw new SeedException(Look(Root) is { Kind: FileKind.Directory } status
            ? $"{file}: {Root} belongs to user {status.User}, and the daemon is user {daemon}; give it back (chown {daemon} {Root}), or move it away; what was kept aside may be in it"
            : $"{file}: {Root} is in the way, and is no directory; move it away");
    }

    private static FileStatus? Look(string path) => FileStatus.TryRead(path);

    private bool IsKept(string path) => Path.GetFileName(path).StartsWith(_name + EditedSuffix, StringComparison.Ordinal);

    private int NumberOf(string kept) =>
        int.TryParse(Path.GetFileName(kept).AsSpan(_name.Length + EditedSuffix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
}
