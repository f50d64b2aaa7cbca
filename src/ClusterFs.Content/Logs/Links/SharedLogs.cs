using ClusterFs.Posix;

namespace ClusterFs.Content.Logs.Links;

/// <summary>The directory on shared storage that a link leads to. Waits as long as that storage does. Not safe for several threads.</summary>
/// <param name="shared">Where shared storage is mounted.</param>
internal sealed class SharedLogs(string shared, string target, string node)
{
    /// <summary>Makes the directory where it is missing, and writes beside it, to see whether logs could be written.</summary>
    /// <param name="owner">Of a directory that is made; null for this process's user.</param>
    /// <param name="isNew">The link is not there yet: a directory that is there is given the owner.</param>
    /// <returns>Whose it is.</returns>
    /// <exception cref="IOException">Logs cannot be written there; the message says why.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public DirectoryOwner Check(DirectoryOwner? owner, bool isNew)
    {
        var marker = Path.Combine(shared, "clusterfs");
        if (!Directory.Exists(marker))
        {
            throw new IOException($"shared storage is away: there is no {marker}");
        }

        var parent = Path.GetDirectoryName(target)!;
        Durable.CreateDirectory(parent);
        if (DirectoryOwner.Of(target) is null || (isNew && owner is not null))
        {
            (owner ?? DirectoryOwner.OfThisProcess).Make(target);
        }

        var probe = Path.Combine(parent, $".{node}.probe");
        using (var stream = new FileStream(probe, FileMode.Create, FileAccess.Write))
        {
            stream.WriteByte((byte)'.');
            stream.Flush(flushToDisk: true);
        }

        File.Delete(probe);
        return DirectoryOwner.Of(target) ?? throw new IOException($"{target} is no directory");
    }
}
