using System.Diagnostics;
using ClusterFs.Faults.Rig;

namespace ClusterFs.Faults.Tests;

/// <summary>The whole program, for as long as a test may take: real nodes, a fixed seed, and nothing left behind.</summary>
[Collection(OneRig.Name)]
public sealed class FaultProgramTests : IDisposable
{
    private const string Seed = "5";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(6);

    private readonly DirectoryInfo _reports = Directory.CreateTempSubdirectory("clusterfs-fault-");

    [SkippableFact]
    public async Task A_minute_of_faults_breaks_nothing()
    {
        SkipWhereImpossible();

        var (exitCode, output) = await Run("--minutes", "1", "--seed", Seed);

        Assert.True(exitCode == 0, output);
        Assert.Contains("No violation.", output, StringComparison.Ordinal);
        NothingIsLeft(output);
    }

    [SkippableFact]
    public async Task A_second_writer_is_found()
    {
        SkipWhereImpossible();

        var (exitCode, output) = await Run("--minutes", "0.05", "--seed", Seed, "--sabotage");

        Assert.True(exitCode == 1, output);
        Assert.Contains("two writers for", output, StringComparison.Ordinal);
        NothingIsLeft(output);
    }

    public void Dispose() => _reports.Delete(recursive: true);

    private static void SkipWhereImpossible()
    {
        var missing = Needs.Missing();
        Skip.If(missing.Count > 0, string.Join("; ", missing));
    }

    /// <summary>Of this run: others may be under way.</summary>
    private static void NothingIsLeft(string output)
    {
        var name = output.Split('\n').First(line => line.Contains("the rig is ", StringComparison.Ordinal)).Split("the rig is ")[1].Trim();
        Assert.False(Directory.Exists(Path.Combine(RigNames.Parent, name)), output);
        Assert.Empty(Directory.EnumerateFiles("/run/netns", $"{name}-*"));
        Assert.DoesNotContain(File.ReadLines("/proc/self/mounts"), line => line.Contains(name, StringComparison.Ordinal));
        Assert.Empty(new RigNames(new Demo.Processes.ProcessMark(name)).Mark.Processes());
    }

    private async Task<(int ExitCode, string Output)> Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "faults"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in (string[])[.. arguments, "--report", _reports.FullName])
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        using var deadline = new CancellationTokenSource(Patience);
        var output = process.StandardOutput.ReadToEndAsync(deadline.Token);
        var error = process.StandardError.ReadToEndAsync(deadline.Token);
        try
        {
            await process.WaitForExitAsync(deadline.Token);
            return (process.ExitCode, await output + await error);
        }
        finally
        {
            // Its warden takes the rig down.
            process.Kill(entireProcessTree: false);
        }
    }
}
