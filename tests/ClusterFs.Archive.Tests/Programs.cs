using System.Diagnostics;

namespace ClusterFs.Archive.Tests;

/// <summary>Programs of the distribution.</summary>
internal static class Programs
{
    private static readonly string[] Directories = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    public static bool IsInstalled(string name) => Directories.Any(directory => File.Exists(Path.Combine(directory, name)));

    /// <summary>Runs a program to its end; fails the test if it fails.</summary>
    /// <returns>What it printed.</returns>
    public static string Run(string file, params string[] arguments)
    {
        var (code, output) = Try(file, arguments);
        Assert.True(code == 0, $"{file} {string.Join(' ', arguments)}: exit code {code}: {output}");
        return output;
    }

    public static (int Code, string Output) Try(string file, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.GetAwaiter().GetResult());
    }
}
