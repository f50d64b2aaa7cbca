using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// The large files of the newest dump as they were dumped, beside the live content: clones that share its blocks, or files in a snapshot. As long as
/// they are kept, their blocks are written for nobody else, so that the next dump finds what has changed by where it lies. Of no use to a restore, and
/// done without when they are missing. Not safe for use by several threads.
/// </summary>
/// <param name="directory">On the file system of the live content; nobody else has to do with it.</param>
internal sealed class KeptFiles(string directory)
{
    private const string RecordName = "kept.json";

    public string Directory => directory;

    private string RecordFile => Path.Combine(directory, RecordName);

    /// <returns>Null when nothing is kept, or it is not known what.</returns>
    public KeptRecord? Load() =>
        SealedJson.TryRead(RecordFile, KeptJson.Default.KeptRecord) is { Format: KeptRecord.Version } record ? record : null;

    /// <summary>
    /// From here on this is what is kept, and all else is deleted. Not synced: a record that a power cut puts back names contents that the next dump does
    /// not derive from, or files that are gone.
    /// </summary>
    public void Save(KeptRecord record)
    {
        if (record.Files.Count == 0)
        {
            File.Delete(RecordFile);
        }
        else
        {
            var temporary = Path.Combine(directory, $"{RecordName}.{Guid.NewGuid():N}");
            File.WriteAllBytes(temporary, SealedJson.Write(record, KeptJson.Default.KeptRecord));
            File.Move(temporary, RecordFile, overwrite: true);
        }

        CleanUp();
    }

    /// <summary>Keeps nothing any more.</summary>
    public void Drop() => Save(new KeptRecord(string.Empty, string.Empty, []));

    /// <summary>Deletes what no record names, such as what a crash left.</summary>
    public void CleanUp()
    {
        var entries = System.IO.Directory.EnumerateFileSystemEntries(directory).ToList();
        if (entries.Count == 0)
        {
            return;
        }

        var named = (Load()?.Files ?? []).Where(file => file.File is not null).Select(file => file.File!.Split('/')[0]).Append(RecordName).ToHashSet(StringComparer.Ordinal);
        foreach (var left in entries.Where(entry => !named.Contains(Path.GetFileName(entry))))
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
        }
    }
}
