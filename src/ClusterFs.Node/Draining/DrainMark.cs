using System.Globalization;
using System.Text;
using ClusterFs.Posix;

namespace ClusterFs.Node.Draining;

/// <summary>
/// That this node is drained: a file on its own disk, so that it is known as soon as the daemon is there and needs nobody else. Its daemon then says that it
/// wants no service, which daemons of all versions understand. Not thread-safe.
/// </summary>
internal sealed class DrainMark(string stateDirectory)
{
    private readonly string _path = Path.Combine(stateDirectory, "drained");

    /// <returns>Since when, by this node's wall clock; null when it is not drained. What cannot be read was written all the same.</returns>
    public DateTimeOffset? Read()
    {
        if (!File.Exists(_path))
        {
            return null;
        }

        try
        {
            return DateTimeOffset.TryParse(File.ReadAllText(_path), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var since)
                ? since
                : DateTimeOffset.UnixEpoch;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return DateTimeOffset.UnixEpoch;
        }
    }

    /// <summary>On disk when this returns.</summary>
    public void Set(DateTimeOffset since)
    {
        var written = _path + ".new";
        using (var file = File.Create(written))
        {
            file.Write(Encoding.ASCII.GetBytes(since.ToString("O", CultureInfo.InvariantCulture)));
            file.Flush(flushToDisk: true);
        }

        Durable.Rename(written, _path);
        Durable.SyncDirectory(stateDirectory);
    }

    /// <summary>On disk when this returns.</summary>
    public void Clear()
    {
        File.Delete(_path);
        Durable.SyncDirectory(stateDirectory);
    }
}
