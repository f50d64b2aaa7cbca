using System.Text;
using System.Text.Json;
using ClusterFs.Content.Placing;
using ClusterFs.Posix;

namespace ClusterFs.Content.Seeded;

/// <summary>The records of the node's seeded files, one file each in the node's own state.</summary>
/// <exception cref="IOException">From every method: the state directory cannot be read or written.</exception>
/// <exception cref="UnauthorizedAccessException">From every method: the state directory cannot be read or written.</exception>
internal sealed class SeedRecords(string directory)
{
    private const int ShownDigest = 12;

    /// <summary>What is remembered of a file.</summary>
    /// <param name="damaged">There is a record, and it cannot be understood: what lies in the file's place may be anybody's.</param>
    /// <returns>Null when nothing is known.</returns>
    public SeedRecord? Find(string file, out bool damaged)
    {
        damaged = false;
        try
        {
            var record = JsonSerializer.Deserialize(File.ReadAllBytes(PathOf(file)), SeedJson.Default.SeedRecord);
            damaged = record is null || record.Version != SeedRecord.CurrentVersion || record.File != file;
            return damaged ? null : record;
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (JsonException)
        {
            damaged = true;
            return null;
        }
    }

    /// <summary>Remembers, durably.</summary>
    public void Keep(SeedRecord record)
    {
        Durable.CreateDirectory(directory);
        Durable.Replace(PathOf(record.File), JsonSerializer.SerializeToUtf8Bytes(record, SeedJson.Default.SeedRecord));
    }

    private string PathOf(string file) =>
        Path.Combine(directory, $"{ContentDigests.Of(Encoding.UTF8.GetBytes(file))[..ShownDigest]}-{Path.GetFileName(file)}.json");
}
