using System.Diagnostics;

namespace ClusterFs.Cli.Tests;

/// <summary>The real executable, since it becomes another program.</summary>
public sealed class NodeCommandTests : IDisposable
{
    private readonly CliFixture _cli = new();

    public void Dispose() => _cli.Dispose();

    [Fact]
    public async Task Node_becomes_the_daemon_that_lies_beside_it()
    {
        var daemon = Path.Combine(InstallCopy(), "clusterfsd");
        await File.WriteAllTextAsync(daemon, "#!/bin/sh\necho $$ \"$@\"\nexit 7\n");
        File.SetUnixFileMode(daemon, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        var (process, exitCode, output, _) = await RunAsync("node", "--config", "/some/where.conf", "--verbose");
        Assert.Equal((7, $"{process} --config /some/where.conf --verbose\n"), (exitCode, output));
    }

    [Fact]
    public async Task Without_a_daemon_beside_it_node_says_so()
    {
        var directory = InstallCopy();
        var (_, exitCode, _, error) = await RunAsync("node");
        Assert.Equal(
            (ExitCodes.Failed, $"clusterfs: there is no {directory}/clusterfsd; the daemon must be installed beside this command\n"),
            (exitCode, error));
    }

    private string InstallCopy()
    {
        var target = Directory.CreateDirectory(Path.Combine(_cli.Root, "bin")).FullName;
        foreach (var file in Directory.GetFiles(AppContext.BaseDirectory))
        {
            File.Copy(file, Path.Combine(target, Path.GetFileName(file)));
        }

        return target;
    }

    private async Task<(int Process, int ExitCode, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(_cli.Root, "bin", "clusterfs"), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.Id, process.ExitCode, await output, await error);
    }
}
