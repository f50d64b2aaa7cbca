using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Cluster.Tests;

public sealed class ConfigurationMistakeTests : IDisposable
{
    private const int Usage = 2;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("clusterfs-mistakes-");

    public enum Mistake
    {
        UnknownKey,
        MissingService,
        TwoNodesWithOneName,
        VoterThatIsNoNode,
        NegativeTtl,
        PathThatIsNoDirectory,
        UnreadableInclude,
        StateDirectoryThatIsAFile,
    }

    /// <summary>Those that every process finds.</summary>
    public static TheoryData<Mistake, string> Mistakes => new()
    {
        { Mistake.UnknownKey, "dump-evry" },
        { Mistake.TwoNodesWithOneName, "n1" },
        { Mistake.VoterThatIsNoNode, "n7" },
        { Mistake.NegativeTtl, "ttl" },
        { Mistake.UnreadableInclude, "absent.conf" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task A_guard_says_it_in_one_line_and_does_not_start(Mistake mistake, string named) =>
        SaidInOneLine(await Run(mistake, "guard"), named);

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task A_daemon_says_it_in_one_line_and_does_not_start(Mistake mistake, string named) =>
        SaidInOneLine(await Run(mistake, "node"), named);

    /// <summary>The guard must not touch shared storage: whether it is there, the daemon says.</summary>
    [Fact]
    public async Task A_daemon_says_in_one_line_that_the_shared_path_is_no_directory() =>
        SaidInOneLine(await Run(Mistake.PathThatIsNoDirectory, "node"), "no-directory");

    [Fact]
    public async Task A_guard_says_in_one_line_that_its_state_directory_is_none() =>
        SaidInOneLine(await Run(Mistake.StateDirectoryThatIsAFile, "guard"), "no-directory");

    [Fact]
    public async Task A_service_that_is_not_configured_is_named_and_nothing_is_started() =>
        SaidInOneLine(await Run(Mistake.MissingService, "run", "wikki", "--", "sh", "-c", "echo it runs"), "wikki");

    [Fact]
    public async Task Several_mistakes_are_said_all_at_once_a_line_each()
    {
        var result = await Run([Mistake.NegativeTtl, Mistake.VoterThatIsNoNode], "guard");

        Assert.Equal(Usage, result.ExitCode);
        Assert.Equal(2, Lines(result.Error).Length);
    }

    /// <summary>It may not begin a cluster without the database, and waits for the others meanwhile: forever, where none of them is better off.</summary>
    [Fact]
    public async Task A_daemon_that_cannot_use_the_journal_at_all_says_why_and_ends_though_it_waits_for_a_cluster()
    {
        var binaries = Directory.CreateDirectory(InDirectory("bin")).FullName;
        foreach (var program in Directory.GetFiles(Path.GetDirectoryName(Binaries.Find().Clusterfs)!, "clusterfs*"))
        {
            File.Copy(program, Path.Combine(binaries, Path.GetFileName(program)));
        }

        await WriteConfiguration(_ => false);
        var result = await Command.Run(
            [Path.Combine(binaries, "clusterfs"), "node", "--config", InDirectory("node.conf")], new Dictionary<string, string>(), TimeSpan.FromSeconds(60));

        Assert.True(result.ExitCode is not 0 and not Usage, $"{result}");
        Assert.Contains("e_sqlite3", result.Output + result.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private void SaidInOneLine(CommandResult result, string named)
    {
        Assert.True(result.ExitCode == Usage, $"{result}");
        Assert.True(Lines(result.Error).Length == 1, $"{result}");
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("it runs", result.Output, StringComparison.Ordinal);
        Assert.False(Directory.Exists(InDirectory("state")), "something was started: it has made its state directory");
        Assert.False(Directory.Exists(InDirectory("run")), "something was started: it has made its socket's directory");
    }

    private Task<CommandResult> Run(Mistake mistake, params string[] command) => Run([mistake], command);

    private async Task<CommandResult> Run(IReadOnlyList<Mistake> mistakes, params string[] command)
    {
        await WriteConfiguration(mistakes.Contains);
        var end = Array.IndexOf(command, "--") is var found and >= 0 ? found : command.Length;
        return await Command.Run(
            [Binaries.Find().Clusterfs, .. command[..end], "--config", InDirectory("node.conf"), .. command[end..]],
            new Dictionary<string, string>(),
            Patience);
    }

    private async Task WriteConfiguration(Func<Mistake, bool> has)
    {
        Directory.CreateDirectory(InDirectory("shared"));
        await File.WriteAllTextAsync(InDirectory("no-directory"), "");
        await File.WriteAllTextAsync(InDirectory("node.conf"), Configuration(has));
    }

    private string Configuration(Func<Mistake, bool> has) => $$"""
        {{(has(Mistake.UnreadableInclude) ? $"include \"{InDirectory("absent.conf")}\"" : "")}}
        clusterfs {
          node {
            name = n1, address = "127.0.9.1", socket = "{{InDirectory("run/clusterfs.sock")}}"
            state-dir = "{{InDirectory(has(Mistake.StateDirectoryThatIsAFile) ? "no-directory" : "state")}}"
          }
          cluster {
            name = mistakes
            nodes { n1 = "127.0.9.1", {{(has(Mistake.TwoNodesWithOneName) ? "n1" : "n2")}} = "127.0.9.2", n3 = "127.0.9.3" }
            voters = [n1, {{(has(Mistake.VoterThatIsNoNode) ? "n7, " : "")}}n3]
          }
          journal { provider = sqlite, connection-string = "Data Source={{InDirectory("journal.db")}}" }
          shared { path = "{{InDirectory(has(Mistake.PathThatIsNoDirectory) ? "no-directory" : "shared")}}" }
          lease { ttl = {{(has(Mistake.NegativeTtl) ? "-5s" : "5s")}} }
          services.wiki { live { path = "{{InDirectory("live")}}", {{(has(Mistake.UnknownKey) ? "dump-evry" : "dump-every")}} = 5s } }
        }
        """;

    private string InDirectory(string name) => Path.Combine(_directory.FullName, name);
}
