using System.Collections.Immutable;
using System.IO.Compression;
using System.Text;
using ClusterFs.Configuration;
using ClusterFs.Content.Logs.Reading;

namespace ClusterFs.Content.Tests.Logs.Reading;

/// <summary>Shared storage with the logs of a service, and this node's disk.</summary>
internal sealed class LogBed : IDisposable
{
    public LogBed(string logs = "link = \"ROOT/n1/wiki\"")
    {
        Root = Directory.CreateTempSubdirectory("clusterfs-logs-").FullName;
        Directory.CreateDirectory(Path.Combine(Shared, "clusterfs"));
        Directory.CreateDirectory(Path.Combine(Root, "n1"));
        var file = Path.Combine(Root, "node.conf");
        File.WriteAllText(file, $$"""
            clusterfs {
              node { name = n1, state-dir = "{{Root}}/state", socket = "{{Root}}/socket" }
              cluster.nodes { n1 = 127.0.0.1, n2 = 127.0.0.2, n3 = 127.0.0.3 }
              journal { provider = sqlite, connection-string = "Data Source={{Root}}/journal.db" }
              shared.path = "{{Shared}}"
              services.wiki { live.path = "{{Root}}/live", logs { {{logs.Replace("ROOT", Root, StringComparison.Ordinal)}} } }
            }
            """);
        Settings = ConfigurationLoader.Load(file).Settings;
    }

    public string Root { get; }

    public string Shared => Path.Combine(Root, "shared");

    public Settings Settings { get; }

    public List<string> Notes { get; } = [];

    /// <summary>A file below clusterfs/logs/wiki; compressed when it is called so.</summary>
    public string Put(string path, string text)
    {
        var file = Path.Combine(Shared, "clusterfs", "logs", "wiki", path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        using var stream = File.Create(file);
        using Stream packed = path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(stream, CompressionLevel.Fastest) : stream;
        packed.Write(Encoding.UTF8.GetBytes(text));
        return file;
    }

    public void Append(string path, string text) => File.AppendAllText(Path.Combine(Shared, "clusterfs", "logs", "wiki", path), text);

    public string[] Read(LogQuery? query = null, LogFormat? format = null)
    {
        using var output = new MemoryStream();
        Logs().Write(query ?? new LogQuery(), output, format ?? new LogFormat(WithNames: true, ForTerminal: false, Json: false), CancellationToken.None);
        return Lines(output.ToArray());
    }

    public ServiceLogs Logs() =>
        new(Settings, Settings.Services["wiki"], TimeZoneInfo.Utc, TimeProvider.System, note => Notes.Add(note.Replace(Root + "/", "", StringComparison.Ordinal)));

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private static string[] Lines(byte[] bytes)
    {
        var text = Encoding.UTF8.GetString(bytes);
        if (text.Length > 0)
        {
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
        }

        return [.. text.Split('\n')[..^1]];
    }
}
