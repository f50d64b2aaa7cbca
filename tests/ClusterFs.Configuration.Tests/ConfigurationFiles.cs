using System.Text;

namespace ClusterFs.Configuration.Tests;

/// <summary>A directory of its own for the files of one test; messages name files in it by their bare names.</summary>
internal sealed class ConfigurationFiles : IDisposable
{
    /// <summary>A good configuration of three nodes; a test says what it changes.</summary>
    public const string Good = """
        clusterfs {
          node { name = n1, state-dir = "STATE" }
          cluster { nodes { n1 = 127.0.0.1, n2 = 127.0.0.2, n3 = 127.0.0.3 } }
          journal { provider = sqlite, connection-string = "Data Source=/tmp/journal.db" }
          shared.path = /srv/shared
          services.wiki.live.path = /var/lib/wiki
        }
        """;

    /// <summary>Texts made up by a property test hold halves of characters, too.</summary>
    private static readonly UTF8Encoding Lenient = new(encoderShouldEmitUTF8Identifier: false);

    public ConfigurationFiles() => Root = Directory.CreateTempSubdirectory("clusterfs-config-").FullName;

    public string Root { get; }

    public string State => Path.Combine(Root, "state");

    public string Write(string name, string text)
    {
        var path = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text.Replace("STATE", State, StringComparison.Ordinal), Lenient);
        return path;
    }

    /// <summary>Loads <see cref="Good"/> with more after it.</summary>
    public Settings LoadGoodAnd(string more, LoadOptions? options = null) => Load(Good + "\n" + more, options).Settings;

    public LoadedConfiguration Load(string text, LoadOptions? options = null) =>
        ConfigurationLoader.Load(Write("node.conf", text), options ?? new LoadOptions { Environment = _ => null });

    /// <summary>What is wrong with a text, one line for each mistake.</summary>
    public string[] Mistakes(string text, LoadOptions? options = null)
    {
        var exception = Assert.Throws<ConfigurationException>(() => Load(text, options));
        Assert.Equal(exception.Message, string.Join('\n', exception.Errors));
        return [.. exception.Errors.Select(error => error.ToString().Replace(Root + "/", "", StringComparison.Ordinal))];
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
