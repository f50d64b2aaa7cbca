using System.Globalization;
using System.Text.Json;
using ClusterFs.Archive.Log;
using ClusterFs.Posix;

namespace ClusterFs.Content.Static;

/// <summary>How a node holds a generation.</summary>
internal enum HeldForm
{
    /// <summary>As a link to its files on shared storage.</summary>
    Shared,

    /// <summary>As a copy.</summary>
    Copy,

    /// <summary>As a copy of some of its files, and links to the others on shared storage.</summary>
    Part,
}

/// <summary>
/// A generation as a node holds it. The number alone does not tell: where a log begins anew, or shared storage was restored, another one has it too.
/// </summary>
/// <param name="Key">Names the files, in short.</param>
internal readonly record struct Held(long Number, string Key, HeldForm Form)
{
    private const int KeyLength = 12;

    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Number}-{Key}-{Form.ToString().ToLowerInvariant()}");

    public static Held Of(Generation generation, HeldForm form) => new(generation.Number, KeyOf(generation.Files), form);

    public static string KeyOf(string files) => files[..KeyLength];

    /// <summary>Whether it is of this generation, in whichever form.</summary>
    public bool IsOf(Generation generation) => (Number, Key) == (generation.Number, KeyOf(generation.Files));

    public static Held? Parse(string name)
    {
        return name.Split('-') is [var digits, { Length: KeyLength } key, var word]
            && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && Enum.TryParse<HeldForm>(word, ignoreCase: true, out var form)
            && new Held(number, key, form) is var held && held.Name == name
                ? held
                : null;
    }
}

/// <summary>
/// The link that is served, and the directory beside it, <c>.NAME.clusterfs</c>, with the generations that this node holds. Touches this node's disk alone,
/// so it never waits for shared storage. A crash at any point leaves the link leading to a whole generation, the old one or the new one. The directory is held
/// open while something is done in it, and has to belong to the daemon's user alone: whoever owns the one above may put a link in its place at any time. Safe
/// for use by several threads; preparing, by one at a time.
/// </summary>
/// <param name="path">What is served. Absolute.</param>
/// <param name="reached">Called at points of the work, in tests.</param>
internal sealed class StaticPlace(string path, Action<string> reached)
{
    private const string Unfinished = ".unfinished-";
    private const string Replaced = "replaced-";
    private const string Record = ".json";
    private const string Suffix = ".clusterfs";
    private const uint OpenToAll = 0x1ED;
    private const uint OthersMayWrite = 0x12;
    private const string NextName = "next";
    private const string AsideName = "next.directory";

    private readonly Lock _gate = new();
    private readonly string _parent = Path.GetDirectoryName(path)!;
    private Held? _before;

    public string Local { get; } = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}{Suffix}");

    /// <summary>What the link leads to.</summary>
    /// <returns>Null when it leads to no generation, or is none.</returns>
    public Held? Served => FileStatus.TryRead(path) is { Kind: FileKind.SymbolicLink } && new FileInfo(path).LinkTarget is { } target && Path.GetDirectoryName(target) == Local
        ? Held.Parse(Path.GetFileName(target))
        : null;

    /// <summary>When the link was last changed, by the node's wall clock.</summary>
    public DateTimeOffset? ServedSince => FileStatus.TryRead(path) is { Kind: FileKind.SymbolicLink } status
        ? DateTimeOffset.UnixEpoch.AddTicks(status.ModifiedNs / 100)
        : null;

    /// <summary>Directories that were in the place of the link.</summary>
    public IReadOnlyList<string> Kept =>
        FileStatus.TryRead(Local) is { Kind: FileKind.Directory }
            ? [.. DirectoryNames.Of(Local).Names.Where(name => name.StartsWith(Replaced, StringComparison.Ordinal)).Select(name => Path.Combine(Local, name))]
            : [];

    public string PathOf(Held held) => Path.Combine(Local, held.Name);

    public bool Holds(Held held) => FileStatus.TryRead(PathOf(held)) is not null;

    /// <summary>Names the files on shared storage that a generation leads to; null where it leads to none.</summary>
    /// <exception cref="StaticException">That cannot be told.</exception>
    public string? SharedFilesOf(Held held) => held.Form switch
    {
        HeldForm.Shared => Path.GetFileName(new FileInfo(PathOf(held)).LinkTarget),
        HeldForm.Part => RecordOf(held)?.Files ?? throw new StaticException($"{PathOf(held)}.json cannot be read; move {PathOf(held)} away, and it is made anew"),
        _ => null,
    };

    /// <summary>What is remembered of a generation that is held; null when it cannot be read.</summary>
    public HeldRecord? RecordOf(Held held)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(Local, RecordName(held))), StaticJson.Default.HeldRecord);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>The generations that are held, in whichever form, newest first.</summary>
    public IReadOnlyList<Held> All => FileStatus.TryRead(Local) is { Kind: FileKind.Directory }
        ? [.. DirectoryNames.Of(Local).Names.Select(Held.Parse).OfType<Held>().OrderByDescending(held => held.Number)]
        : [];

    /// <summary>Sees that what is to be done can be done, and takes away what a crash left unfinished.</summary>
    /// <exception cref="StaticException">Something is in the way.</exception>
    public void Open()
    {
        if (!Directory.Exists(_parent))
        {
            throw new StaticException($"{path}: there is no directory {_parent}; make it, with the owner and mode that it should have");
        }

        RequireTurnable();
        if (Durable.TryMakeDirectory(Local))
        {
            FileAttribution.SetMode(Local, OpenToAll);
            Durable.SyncDirectory(_parent);
        }

        using var local = OpenLocal();
        lock (_gate)
        {
            FinishExchange(local);
        }

        var names = local.Names.Names;
        foreach (var name in names.Where(name => name.StartsWith(Unfinished, StringComparison.Ordinal) || IsLeftRecord(name, names)))
        {
            Trash.Delete(local[name]);
        }
    }

    /// <summary>Adds a generation: whole, or not at all.</summary>
    /// <param name="write">Writes it to a path that is free, and syncs it; says how many bytes of it are here, where that is not all or nothing.</param>
    public void Prepare(Held held, Generation generation, Func<string, long?> write)
    {
        using var local = OpenLocal();
        var unfinished = local[$"{Unfinished}{Guid.NewGuid():N}"];
        try
        {
            var here = write(unfinished);
            reached("written");
            Remember(
                local,
                held,
                new HeldRecord(generation.Number, generation.Files, generation.Line, generation.At, generation.Node, generation.Content.Files, generation.Content.Bytes)
                {
                    LocalBytes = here,
                });
            if (!Durable.TryRenameToFree(unfinished, local[held.Name]))
            {
                throw new StaticException($"{PathOf(held)} is in the way; move it away");
            }

            local.Sync();
            reached("prepared");
        }
        catch (IOException problem) when (local.Readable(problem.Message) is var readable && readable != problem.Message)
        {
            throw new StaticException(readable, problem);
        }
        finally
        {
            Trash.Delete(unfinished);
        }
    }

    /// <summary>Changes which files of a generation are here, and remembers how many bytes of it then are.</summary>
    /// <param name="refill">Gets the directory of all generations, the name of this one in it, and what is to be told how many, also by one that ends half way.</param>
    public void Refill(Held held, Action<OpenDirectory, string, Action<long>> refill)
    {
        using var local = OpenLocal();
        refill(local, held.Name, here =>
        {
            if (RecordOf(held) is { } record && record.LocalBytes != here)
            {
                Remember(local, held, record with { LocalBytes = here });
            }
        });
    }

    /// <summary>Has the link lead to a generation that is held, in one step. A directory in its place is kept.</summary>
    /// <returns>False when it is held no more.</returns>
    /// <exception cref="StaticException">What is in its place is not ours.</exception>
    public bool Switch(Held held)
    {
        using var local = OpenLocal();
        lock (_gate)
        {
            RequireTurnable();
            var before = Served;
            if (before == held || !Holds(held))
            {
                return before == held;
            }

            FinishExchange(local);
            File.CreateSymbolicLink(local[NextName], PathOf(held));
            reached("linked");
            switch (FileStatus.TryRead(path)?.Kind)
            {
                case null:
                    if (!Durable.TryRenameToFree(local[NextName], path))
                    {
                        throw new StaticException($"{path}: somebody has just made it; it is looked at again");
                    }

                    break;
                case FileKind.Directory:
                    Exchange(local);
                    break;
                default:
                    Durable.Rename(local[NextName], path);
                    break;
            }

            reached("switched");
            Durable.SyncDirectory(_parent);
            FinishExchange(local);
            _before = before ?? _before;
            return true;
        }
    }

    /// <summary>
    /// Deletes the generations that are of no use: all but the one that is served, the one that was served before (somebody may just be on the way into
    /// it, and a rollback finds it), and the one that is about to be served.
    /// </summary>
    /// <param name="prepared">What is about to be served; null for nothing.</param>
    public void CleanUp(Held? prepared)
    {
        using var local = OpenLocal();
        List<string> doomed;
        lock (_gate)
        {
            if (Served is not { } served)
            {
                return;
            }

            var others = All.Where(held => held != served && held != prepared).ToList();
            var older = others.Where(held => (held.Number, held.Key) != (served.Number, served.Key)).ToList();
            var before = _before is { } known && older.Contains(known)
                ? known
                : older.Where(held => held.Number < served.Number).Concat(older).Select(held => (Held?)held).FirstOrDefault();
            doomed = [];
            foreach (var held in others.Where(held => held != before))
            {
                var doomedName = local[$"{Unfinished}{held.Name}"];
                if (Durable.TryRenameToFree(local[held.Name], doomedName))
                {
                    doomed.Add(doomedName);
                    File.Delete(local[RecordName(held)]);
                }
            }
        }

        foreach (var tree in doomed)
        {
            Trash.Delete(tree);
        }
    }

    /// <summary>Whether a directory of this name holds generations.</summary>
    public static bool IsName(string name) => name.Length > Suffix.Length + 1 && name[0] == '.' && name.EndsWith(Suffix, StringComparison.Ordinal);

    private static string RecordName(Held held) => held.Name + Record;

    /// <summary>A record, or one that was being written, without what it is of.</summary>
    private static bool IsLeftRecord(string name, IEnumerable<string> names) =>
        (name.StartsWith('.') && name.Contains($"{Record}.", StringComparison.Ordinal))
        || (name.EndsWith(Record, StringComparison.Ordinal) && Held.Parse(name[..^Record.Length]) is { } held && !names.Contains(held.Name));

    private static void Remember(OpenDirectory local, Held held, HeldRecord record) =>
        Durable.Replace(local[RecordName(held)], JsonSerializer.SerializeToUtf8Bytes(record, StaticJson.Default.HeldRecord));

    private OpenDirectory OpenLocal()
    {
        var local = OpenDirectory.TryOpen(Local);
        if (local?.Status is { } status && status.User == Accounts.Current && (status.Mode & OthersMayWrite) == 0)
        {
            return local;
        }

        local?.Dispose();
        throw new StaticException(
            $"{path}: {Local} is in the way: it is no directory, or of another user than the daemon, or others may write there; move it away");
    }

    private void RequireTurnable()
    {
        switch (FileStatus.TryRead(path)?.Kind)
        {
            case null or FileKind.Directory:
                return;
            case FileKind.SymbolicLink when new FileInfo(path).LinkTarget is { } target && Path.GetDirectoryName(target) == Local:
                return;
            case FileKind.SymbolicLink:
                throw new StaticException($"{path}: is a link to {new FileInfo(path).LinkTarget} already; remove it");
            default:
                throw new StaticException($"{path}: is no directory; move it away");
        }
    }

    private void Exchange(OpenDirectory local)
    {
        try
        {
            if (Durable.TryExchange(local[NextName], path))
            {
                return;
            }

            // For a moment there is neither: this file system knows no better.
            Durable.Rename(path, local[AsideName]);
        }
        catch (PosixException problem) when (problem.Error == PosixException.Busy)
        {
            throw new StaticException($"{path}: something is mounted there, which a link cannot replace; unmount it, or serve another path", problem);
        }

        reached("taken");
        Durable.Rename(local[NextName], path);
    }

    /// <summary>What was in the link's place is kept, or put back where there is no link; a link that came to no place is deleted.</summary>
    private void FinishExchange(OpenDirectory local)
    {
        if (FileStatus.TryRead(path) is null && FileStatus.TryRead(local[AsideName]) is not null)
        {
            _ = Durable.TryRenameToFree(local[AsideName], path);
        }

        foreach (var taken in new[] { local[NextName], local[AsideName] })
        {
            switch (FileStatus.TryRead(taken)?.Kind)
            {
                case null:
                    break;
                case FileKind.Directory:
                    KeepAside(local, taken);
                    break;
                default:
                    File.Delete(taken);
                    break;
            }
        }
    }

    private static void KeepAside(OpenDirectory local, string directory)
    {
        for (var number = 1; ; number++)
        {
            if (Durable.TryRenameToFree(directory, local[$"{Replaced}{number.ToString(CultureInfo.InvariantCulture)}"]))
            {
                local.Sync();
                return;
            }
        }
    }
}
