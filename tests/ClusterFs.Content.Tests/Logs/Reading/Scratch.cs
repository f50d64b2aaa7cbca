using System.Text;
using ClusterFs.Content.Logs.Reading;
using ClusterFs.Content.Logs.Stamps;
using ClusterFs.Posix;
using Microsoft.Win32.SafeHandles;

namespace ClusterFs.Content.Tests.Logs.Reading;

/// <summary>Files that are open.</summary>
internal sealed class Scratch : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("clusterfs-logs-").FullName;
    private readonly List<IDisposable> _open = [];

    public static StampReader Stamps => new(null, TimeZoneInfo.Utc, new DateTimeOffset(2026, 1, 3, 0, 0, 0, TimeSpan.Zero));

    public SafeFileHandle File(string text)
    {
        var path = Path.Combine(_root, $"{_open.Count}");
        System.IO.File.WriteAllBytes(path, Encoding.UTF8.GetBytes(text));
        var handle = UnlockedFile.OpenRead(path);
        _open.Add(handle);
        return handle;
    }

    public LogCursor Cursor(string text, int bufferSize, string name)
    {
        var file = File(text);
        var part = new LogPart(name, file, 0, RandomAccess.GetLength(file), IsCompressed: false, Stamps);
        var cursor = new LogCursor(new LogStream(name, "log"), [part], new byte[bufferSize], Assert.Fail);
        _open.Add(cursor);
        return cursor;
    }

    public void Dispose()
    {
        _open.ForEach(one => one.Dispose());
        Directory.Delete(_root, recursive: true);
    }
}
