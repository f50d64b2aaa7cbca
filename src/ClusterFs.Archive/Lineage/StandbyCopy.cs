using ClusterFs.Posix;

namespace ClusterFs.Archive.Lineage;

/// <summary>
/// A copy of a dump beside the live content, which a takeover puts in its place: the tree, its index, and the record that says what it is.
/// </summary>
internal sealed class StandbyCopy(MarkerDirectory directory, string service)
{
    private string RecordFile => Path.Combine(directory.Standby, "standby.json");

    public string Tree => Path.Combine(directory.Standby, "tree");

    /// <summary>The entries of the copy's dump, and the identities of their files.</summary>
    public string IndexFile => Path.Combine(directory.Standby, "index");

    /// <summary>The entries of the dump that the copy is being turned into.</summary>
    public string EntriesFile => Path.Combine(directory.Standby, "entries");

    /// <returns>Null when there is no copy, or nothing is known of the tree that lies there.</returns>
    public StandbyRecord? Load() => Read() is { } record && IsAt(Tree, record) ? record : null;

    public void Save(StandbyRecord record) =>
        Durable.Replace(RecordFile, SealedJson.Write(record, StandbyJson.Default.StandbyRecord));

    /// <summary>Deletes what an earlier change left half written.</summary>
    public void CleanUp()
    {
        foreach (var file in Directory.EnumerateFiles(directory.Standby).Where(file => file != RecordFile && file != IndexFile).ToList())
        {
            File.Delete(file);
        }
    }

    /// <summary>Makes an empty tree that the record speaks of, in place of whatever lies there.</summary>
    public StandbyRecord Begin(long changingTo)
    {
        Drop();
        Directory.CreateDirectory(Tree, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var record = new StandbyRecord(service, FileStatus.TryRead(Tree)!.Value.Inode) { ChangingTo = changingTo, Boot = MachineClock.BootId };
        Save(record);
        return record;
    }

    /// <summary>There is no copy any more. Its files go where the next operation deletes them, because that may take a while.</summary>
    public void Drop()
    {
        Forget();
        if (FileStatus.TryRead(Tree) is not null)
        {
            Directory.Move(Tree, Path.Combine(directory.Previous, $"standby.{Guid.NewGuid():N}"));
        }
    }

    /// <summary>The tree has gone elsewhere, or is to go.</summary>
    public void Forget()
    {
        if (File.Exists(RecordFile))
        {
            File.Delete(RecordFile);
            Durable.SyncDirectory(directory.Standby);
        }

        CleanUp();
        File.Delete(IndexFile);
    }

    /// <summary>Takes back a tree that was staged for a takeover which did not come to the exchange. Only while no exchange is pending.</summary>
    public void Reclaim()
    {
        if (!File.Exists(RecordFile) || FileStatus.TryRead(Tree) is not null)
        {
            return;
        }

        if (Read() is { } record && Directory.EnumerateDirectories(directory.Staging).FirstOrDefault(staged => IsAt(staged, record)) is { } left)
        {
            Directory.Move(left, Tree);
            return;
        }

        Forget();
    }

    private static bool IsAt(string path, StandbyRecord record) =>
        FileStatus.TryRead(path) is { Kind: FileKind.Directory } status && status.Inode == record.Inode;

    private StandbyRecord? Read() =>
        SealedJson.TryRead(RecordFile, StandbyJson.Default.StandbyRecord) is { Format: StandbyRecord.Version } record && record.Service == service
            ? record
            : null;
}
