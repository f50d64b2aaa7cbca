using ClusterFs.Posix;

namespace ClusterFs.Content.Logs.Links;

/// <summary>
/// The link that a service writes its logs through, and the directory beside it, <c>.LINK.clusterfs</c>. Touches this node's disk alone, so it
/// never waits for shared storage. A crash at any point leaves the link or the directory in its place, and every log in one directory that
/// is read and moved; the next call goes on. Not safe for several threads.
/// </summary>
/// <param name="link">Absolute.</param>
/// <param name="target">Where it leads while shared storage is there.</param>
/// <param name="atPoint">Told of every point at which a crash leaves something new.</param>
internal sealed class LogLink(string link, string target, TimeProvider time, Action<string> atPoint)
{
    private const int MostDeep = 16;

    /// <summary>The link that is about to be put in its place, or the directory that was there.</summary>
    private readonly string _next = Path.Combine(LogLayout.LocalDirectory(link), "next");

    private string Local => LogLayout.LocalDirectory(link);

    private string Spool => LogLayout.Spool(link);

    public LinkKind Look() => FileStatus.TryRead(link)?.Kind switch
    {
        null => LinkKind.Absent,
        FileKind.Directory => LinkKind.Directory,
        FileKind.SymbolicLink => new FileInfo(link).LinkTarget is var leads && leads == target ? LinkKind.Shared
            : leads == Spool ? LinkKind.Spool
            : LinkKind.Foreign,
        _ => LinkKind.Other,
    };

    /// <summary>Whose the logs are, as far as this node's disk says.</summary>
    public DirectoryOwner? Owner => DirectoryOwner.Of(link) ?? DirectoryOwner.Of(Spool);

    /// <summary>The directories whose files are to be moved, oldest first.</summary>
    public IReadOnlyList<string> Waiting => DirectoryOwner.Of(Local) is null
        ? []
        : [.. DirectoryNames.Of(Local).Names.Where(LogLayout.IsTime).Select(name => Path.Combine(Local, name)).Where(path => DirectoryOwner.Of(path) is not null)];

    /// <summary>Logs go elsewhere, and the service has not been told, as far as is known on disk.</summary>
    public bool IsReopenDue => FileStatus.TryRead(ReopenDue) is not null;

    /// <summary>How often this has turned the link.</summary>
    public int Turns { get; private set; }

    private string ReopenDue => Path.Combine(Local, "reopen-due");

    /// <summary>How much lies on this node's disk that is not on shared storage, or not only there; in bytes.</summary>
    public long WaitingBytes => DirectoryOwner.Of(Local) is null ? 0 : BytesBelow(Local, MostDeep);

    /// <summary>Has the link lead where it should, and sets aside what is to be moved.</summary>
    /// <param name="toShared">Or to the spool.</param>
    /// <param name="owner">Of the logs.</param>
    /// <returns>Whether the service should open its logs anew.</returns>
    /// <exception cref="IOException">It cannot be done; everything is as it was, or half way and safe.</exception>
    public bool Settle(bool toShared, DirectoryOwner owner)
    {
        if (LinkRules.Decide(Look(), toShared) == LinkStep.Refuse)
        {
            throw new IOException(Look() == LinkKind.Foreign
                ? $"{link} is a link to {new FileInfo(link).LinkTarget} already: remove it, or have it lead to {target}"
                : $"{link} is no directory: move it away");
        }

        Durable.CreateDirectory(Path.GetDirectoryName(link)!);

        // Whoever writes the logs must get through, and need not look around.
        new DirectoryOwner(Processes.EffectiveUser, Processes.EffectiveGroup, Convert.ToUInt32("711", 8)).Make(Local);
        FinishExchange();
        if (Look() is var before && before != LinkKind.Spool)
        {
            SetSpoolAside();
            owner.Make(Spool);
        }

        var step = LinkRules.Decide(before, toShared);
        switch (step)
        {
            case LinkStep.Make:
                Prepare(toShared);
                _ = Durable.TryRenameToFree(_next, link);
                break;
            case LinkStep.Turn:
                Prepare(toShared);
                NoteReopen();
                Durable.Rename(_next, link);
                break;
            case LinkStep.Exchange:
                Prepare(toShared);
                NoteReopen();
                Exchange();
                break;
            default:
                return false;
        }

        Durable.SyncDirectory(Path.GetDirectoryName(link)!);
        atPoint("linked");
        FinishExchange();
        if (Look() == LinkKind.Shared)
        {
            SetSpoolAside();
            owner.Make(Spool);
        }

        return step != LinkStep.Make;
    }

    /// <summary>The service was told.</summary>
    public void Reopened()
    {
        File.Delete(ReopenDue);
        Durable.SyncDirectory(Local);
    }

    /// <summary>Before the change: a daemon that dies after it leaves this for the next one.</summary>
    private void NoteReopen()
    {
        File.WriteAllBytes(ReopenDue, []);
        Durable.SyncDirectory(Local);
        Turns++;
        atPoint("reopen noted");
    }

    /// <summary>Without following links, which may lead to storage that hangs.</summary>
    private static long BytesBelow(string directory, int mostDeep)
    {
        var bytes = 0L;
        foreach (var name in DirectoryNames.Of(directory).Names)
        {
            var path = Path.Combine(directory, name);
            bytes += FileStatus.TryRead(path) switch
            {
                { Kind: FileKind.File } file when mostDeep < MostDeep => file.Size,
                { Kind: FileKind.Directory } when mostDeep > 0 => BytesBelow(path, mostDeep - 1),
                _ => 0,
            };
        }

        return bytes;
    }

    private void Prepare(bool toShared)
    {
        if (FileStatus.TryRead(_next) is not null)
        {
            File.Delete(_next);
        }

        File.CreateSymbolicLink(_next, toShared ? target : Spool);
        atPoint("prepared");
    }

    private void Exchange()
    {
        if (Durable.TryExchange(_next, link))
        {
            return;
        }

        // For a moment there is neither: this file system knows no better.
        var aside = $"{_next}.directory";
        Durable.Rename(link, aside);
        atPoint("taken");
        Durable.Rename(_next, link);
        Durable.Rename(aside, _next);
    }

    /// <summary>What was in the link's place waits to be moved.</summary>
    private void FinishExchange()
    {
        foreach (var taken in new[] { _next, $"{_next}.directory" })
        {
            if (DirectoryOwner.Of(taken) is not null)
            {
                SetAside(taken);
            }
        }
    }

    private void SetSpoolAside()
    {
        if (DirectoryOwner.Of(Spool) is not null && !DirectoryNames.Of(Spool).IsEmpty)
        {
            SetAside(Spool);
        }
    }

    private void SetAside(string directory)
    {
        var at = time.GetUtcNow();
        while (!Durable.TryRenameToFree(directory, Path.Combine(Local, LogLayout.TimeText(at))))
        {
            at = at.AddMilliseconds(1);
        }

        Durable.SyncDirectory(Local);
        atPoint("set aside");
    }
}
