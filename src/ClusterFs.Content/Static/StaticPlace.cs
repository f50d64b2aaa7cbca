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
}

/// <summary>A generation as a node holds it.</summary>
internal readonly record struct Held(long Number, HeldForm Form)
{
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Number}-{Form.ToString().ToLowerInvariant()}");

    public static Held? Parse(string name)
    {
        var dash = name.IndexOf('-', StringComparison.Ordinal);
        return dash > 0
            && long.TryParse(name.AsSpan(0, dash), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && Enum.TryParse<HeldForm>(name.AsSpan(dash + 1), ignoreCase: true, out var form)
            && new Held(number, form) is var held && held.Name == name
                ? held
                : null;
    }
}

/// <summary>
/// The link that is served, and the directory beside it, <c>.NAME.clusterfs</c>, with the generations that this node holds. Touches this node's disk alone,
/// so it never waits for shared storage. A crash at any point leaves the link leading to a whole generation, the old one or the new one. Safe for use by
/// several threads; preparing, by one at a time.
/// </summary>
/// <param name="path">What is served. Absolute.</param>
/// <param name="reached">Called at points of the work, in tests.</param>
internal sealed class StaticPlace(string path, Action<string> reached)
{
    private const string Unfinished = ".unfinished-";
    private const string Replaced = "replaced-";
    private const uint OpenToAll = 0x1ED;

    private readonly Lock _gate = new();
    private readonly string _parent = Path.GetDirectoryName(path)!;
    private Held? _before;

    public string Local { get; } = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetFileName(path)}.clusterfs");

    private string Next => Path.Combine(Local, "next");

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

    /// <summary>What is remembered of a generation that is held; null when it cannot be read.</summary>
    public HeldRecord? RecordOf(Held held)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(RecordFile(held)), StaticJson.Default.HeldRecord);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    /// <summary>The generations of a form that are held, newest first.</summary>
    public IReadOnlyList<Held> All => FileStatus.TryRead(Local) is { Kind: FileKind.Directory }
        ? [.. DirectoryNames.Of(Local).Names.Select(Held.Parse).OfType<Held>().OrderByDescending(held => held.Number)]
        : [];

    /// <summary>Sees that what is to be done can be done, and takes away what a crash left unfinished.</summary>
    /// <exception cref="StaticException">Something is in the way.</exception>
    public void Open()
    {
        if (FileStatus.TryRead(_parent) is not { Kind: FileKind.Directory })
        {
            throw new StaticException($"{path}: there is no directory {_parent}; make it, with the owner and mode that it should have");
        }

        RequireTurnable();
        if (Durable.TryMakeDirectory(Local))
        {
            FileAttribution.SetMode(Local, OpenToAll);
            Durable.SyncDirectory(_parent);
        }

        if (FileStatus.TryRead(Local) is not { Kind: FileKind.Directory } status || status.User != Accounts.Current)
        {
            throw new StaticException($"{path}: {Local} is in the way: it is no directory, or of another user than the daemon; move it away");
        }

        lock (_gate)
        {
            FinishExchange();
        }

        foreach (var name in DirectoryNames.Of(Local).Names.Where(name => name.StartsWith(Unfinished, StringComparison.Ordinal)))
        {
            Trash.Delete(Path.Combine(Local, name));
        }
    }

    /// <summary>Adds a generation: whole, or not at all.</summary>
    /// <param name="write">Writes it to a path that is free, and syncs it.</param>
    public void Prepare(Held held, Generation generation, Action<string> write)
    {
        var unfinished = Path.Combine(Local, $"{Unfinished}{Guid.NewGuid():N}");
        try
        {
            write(unfinished);
            reached("written");
            Durable.Replace(
                RecordFile(held),
                JsonSerializer.SerializeToUtf8Bytes(
                    new HeldRecord(generation.Number, generation.Files, generation.At, generation.Node, generation.Content.Files, generation.Content.Bytes),
                    StaticJson.Default.HeldRecord));
            if (!Durable.TryRenameToFree(unfinished, PathOf(held)))
            {
                throw new StaticException($"{PathOf(held)} is in the way; move it away");
            }

            Durable.SyncDirectory(Local);
            reached("prepared");
        }
        finally
        {
            Trash.Delete(unfinished);
        }
    }

    /// <summary>Has the link lead to a generation that is held, in one step. A directory in its place is kept.</summary>
    /// <exception cref="StaticException">What is in its place is not ours.</exception>
    public void Switch(Held held)
    {
        lock (_gate)
        {
            RequireTurnable();
            var before = Served;
            if (before == held)
            {
                return;
            }

            if (!Holds(held))
            {
                throw new StaticException($"{PathOf(held)} is gone; it is prepared again");
            }

            FinishExchange();
            File.CreateSymbolicLink(Next, PathOf(held));
            reached("linked");
            switch (FileStatus.TryRead(path)?.Kind)
            {
                case null:
                    if (!Durable.TryRenameToFree(Next, path))
                    {
                        throw new StaticException($"{path}: somebody has just made it; it is looked at again");
                    }

                    break;
                case FileKind.Directory:
                    Exchange();
                    break;
                default:
                    Durable.Rename(Next, path);
                    break;
            }

            reached("switched");
            Durable.SyncDirectory(_parent);
            FinishExchange();
            _before = before ?? _before;
        }
    }

    /// <summary>
    /// Deletes the generations that are of no use: all but the one that is served, the one that was served before (somebody may just be on the way into
    /// it, and a rollback finds it), and those that are newer.
    /// </summary>
    /// <param name="prepared">What is about to be served; null for nothing.</param>
    public void CleanUp(Held? prepared)
    {
        List<string> doomed;
        lock (_gate)
        {
            if (Served is not { } served)
            {
                return;
            }

            var older = All.Where(held => held.Number < served.Number).ToList();
            var before = _before is { } known && older.Contains(known) ? known : older.Count > 0 ? older[0] : (Held?)null;
            doomed = [];
            foreach (var held in All.Where(held => held != served && held != before && held != prepared && held.Number <= served.Number))
            {
                var doomedName = Path.Combine(Local, $"{Unfinished}{held.Name}");
                if (Durable.TryRenameToFree(PathOf(held), doomedName))
                {
                    doomed.Add(doomedName);
                    File.Delete(RecordFile(held));
                }
            }
        }

        foreach (var tree in doomed)
        {
            Trash.Delete(tree);
        }
    }

    private string RecordFile(Held held) => Path.Combine(Local, $"{held.Name}.json");

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

    private void Exchange()
    {
        if (Durable.TryExchange(Next, path))
        {
            return;
        }

        // For a moment there is neither: this file system knows no better.
        var aside = Path.Combine(Local, "next.directory");
        Durable.Rename(path, aside);
        reached("taken");
        Durable.Rename(Next, path);
    }

    /// <summary>What was in the link's place is kept; a link that came to no place is deleted.</summary>
    private void FinishExchange()
    {
        foreach (var taken in new[] { Next, Path.Combine(Local, "next.directory") })
        {
            switch (FileStatus.TryRead(taken)?.Kind)
            {
                case null:
                    break;
                case FileKind.Directory:
                    KeepAside(taken);
                    break;
                default:
                    File.Delete(taken);
                    break;
            }
        }
    }

    private void KeepAside(string directory)
    {
        for (var number = 1; ; number++)
        {
            if (Durable.TryRenameToFree(directory, Path.Combine(Local, $"{Replaced}{number.ToString(CultureInfo.InvariantCulture)}")))
            {
                Durable.SyncDirectory(Local);
                return;
            }
        }
    }
}
