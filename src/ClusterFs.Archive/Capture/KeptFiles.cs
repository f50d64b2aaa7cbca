using ClusterFs.Archive.Rehearsal;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// The large files of the newest dump as they were dumped, beside the live content: clones that share its blocks. As long as they are kept, their
/// blocks are written for nobody else, so that the next dump finds what has changed by where it lies. Of no use to a restore, and done without when
/// they are missing: nothing that fails here fails a dump or a takeover. Not safe for use by several threads.
/// </summary>
/// <param name="directory">On the file system of the live content; nobody else has to do with it.</param>
internal sealed class KeptFiles(string directory)
{
    private const string RecordName = "kept.json";

    public string Directory => directory;

    /// <summary>Clones kept at the moment, and what they take at most, should everything be written over, in bytes.</summary>
    public (int Files, long Bytes) Figures => Load() is { } record ? (record.Files.Count(file => file.File is not null), record.Size) : default;

    /// <summary>How much room the disk of a directory has; another in tests.</summary>
    internal Func<string, DiskRoom> RoomOf { get; init; } = DiskRoom.Of;

    private string RecordFile => Path.Combine(directory, RecordName);

    /// <returns>Null when nothing is kept, or it is not known what.</returns>
    public KeptRecord? Load()
    {
        try
        {
            return SealedJson.TryRead(RecordFile, KeptJson.Default.KeptRecord) is { Format: KeptRecord.Version } record ? record : null;
        }
        catch (Exception error) when (IsOfTheDisk(error))
        {
            return null;
        }
    }

    /// <summary>
    /// From here on this is what is kept, and all else is deleted. Not synced: a record that a power cut puts back names contents that the next dump does
    /// not derive from, or files that are gone.
    /// </summary>
    public void Save(KeptRecord record)
    {
        Write(record);
        Delete(record);
    }

    /// <summary>Keeps nothing any more.</summary>
    public void Drop() => Save(new KeptRecord(string.Empty, string.Empty, []));

    /// <summary>
    /// Deletes what no record names, such as what a crash left, what is of no use any more, and what there is not room enough to keep: should the service
    /// write over all of it, it must not be refused.
    /// </summary>
    public void CleanUp()
    {
        var record = Load();
        if (record is { Files.Count: > 0 } && record.Boot != MachineClock.BootId)
        {
            Drop();
        }
        else if (record is { Size: > 0 } && !HasRoomFor(record.Size))
        {
            Save(record with { Files = [.. record.Files.Where(file => file.File is null)] });
        }
        else
        {
            Delete(record);
        }
    }

    /// <summary>Whether so many bytes could be written, and what always has to stay free still would be.</summary>
    /// <returns>False also when the disk does not say.</returns>
    public bool HasRoomFor(long bytes)
    {
        try
        {
            var room = RoomOf(directory);
            return room.Free - room.Reserve >= bytes;
        }
        catch (Exception error) when (IsOfTheDisk(error))
        {
            return false;
        }
    }

    private static bool IsOfTheDisk(Exception error) => error is UnauthorizedAccessException or IOException and not ArchiveException;

    private void Write(KeptRecord record)
    {
        try
        {
            if (record.Files.Count == 0)
            {
                File.Delete(RecordFile);
                return;
            }

            var temporary = Path.Combine(directory, $"{RecordName}.{Guid.NewGuid():N}");
            File.WriteAllBytes(temporary, SealedJson.Write(record, KeptJson.Default.KeptRecord));
            File.Move(temporary, RecordFile, overwrite: true);
        }
        catch (Exception error) when (IsOfTheDisk(error))
        {
            // The one that is there is of another dump, and counts for nothing.
        }
    }

    private void Delete(KeptRecord? record)
    {
        var named = (record?.Files ?? []).Where(file => file.File is not null).Select(file => file.File!).Append(RecordName).ToHashSet(StringComparer.Ordinal);
        foreach (var left in Entries().Where(entry => !named.Contains(Path.GetFileName(entry))))
        {
            try
            {
                ScratchTree.Delete(left);
            }
            catch (Exception error) when (IsOfTheDisk(error))
            {
                // Tried again at the next look.
                continue;
            }
        }
    }

    private List<string> Entries()
    {
        try
        {
            return [.. System.IO.Directory.EnumerateFileSystemEntries(System.IO.Directory.CreateDirectory(directory).FullName)];
        }
        catch (Exception error) when (IsOfTheDisk(error))
        {
            return [];
        }
    }
}
