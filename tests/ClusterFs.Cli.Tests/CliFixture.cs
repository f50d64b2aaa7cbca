using ClusterFs.Archive;

namespace ClusterFs.Cli.Tests;

/// <summary>A node's configuration and directories, and the command line run against them within this process, as if piped.</summary>
internal sealed class CliFixture : IDisposable
{
    public CliFixture(string more = "")
    {
        Root = Directory.CreateTempSubdirectory("clusterfs-cli-").FullName;
        Directory.CreateDirectory(Shared);
        ServiceArchive.Initialize(Shared);
        File.WriteAllText(ConfigurationFile, $$"""
            clusterfs {
              node { name = n1, state-dir = "{{Root}}/state", socket = "{{Socket}}" }
              cluster.nodes { n1 = 127.0.0.1, n2 = 127.0.0.2, n3 = 127.0.0.3 }
              journal { provider = sqlite, connection-string = "Data Source={{Root}}/journal.db" }
              shared.path = "{{Shared}}"
              services.wiki { nodes = [n1, n2], live.path = "{{Live}}" }
            }
            {{more}}
            """);
    }

    public string Root { get; }

    public string ConfigurationFile => Path.Combine(Root, "node.conf");

    public string Socket => Path.Combine(Root, "clusterfs.sock");

    public string Shared => Path.Combine(Root, "shared");

    public string Live => Path.Combine(Root, "live");

    /// <summary>What a command said; temporary paths without their random part.</summary>
    public sealed record Outcome(int ExitCode, string Output, string Error);

    public async Task<Outcome> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var exitCode = await CommandLine.RunAsync([.. arguments, "--config", ConfigurationFile], output, error);
        return new Outcome(exitCode, Clean(output), Clean(error));
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private string Clean(StringWriter writer) => writer.ToString().Replace(Root + "/", "", StringComparison.Ordinal);
}
