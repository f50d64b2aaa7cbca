using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace ClusterFs.Benchmarks;

/// <summary>What a command cost.</summary>
/// <param name="Processor">Seconds of user and system time, of it and all its children.</param>
/// <param name="Memory">Peak resident size of its largest process, in bytes.</param>
internal sealed partial record Measured(double Seconds, double Processor, long Memory)
{
    private const int Children = -1;

    /// <summary>Runs a command in a process of its own that measures nothing else.</summary>
    public static Measured Run(string directory, IReadOnlyDictionary<string, string> environment, params string[] command)
    {
        var result = Path.GetTempFileName();
        var start = new ProcessStartInfo(Environment.ProcessPath!, ["measure", result, .. command])
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        var figures = File.ReadAllText(result).Split(' ');
        File.Delete(result);
        return process.ExitCode == 0
            ? new Measured(Number(figures[0]), Number(figures[1]), (long)Number(figures[2]) * 1024)
            : throw new InvalidOperationException($"{string.Join(' ', command)}: {error}{output.Result}");
    }

    /// <summary>The process that does it: starts the command, waits, and writes down what the kernel says of its children, of which one does nothing.</summary>
    public static unsafe int RunHere(string result, string file, string[] arguments)
    {
        // The first process that is started takes this one a while to compile what that takes.
        using (var first = Process.Start("true"))
        {
            first.WaitForExit();
        }

        var started = Stopwatch.GetTimestamp();
        using var process = Process.Start(file, arguments);
        process.WaitForExit();
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var usage = stackalloc long[18];
        _ = GetUsage(Children, usage);
        var processor = usage[0] + usage[2] + ((usage[1] + usage[3]) / 1e6);
        File.WriteAllText(result, string.Create(CultureInfo.InvariantCulture, $"{seconds} {processor} {usage[4]}"));
        return process.ExitCode;
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    [LibraryImport("libc", EntryPoint = "getrusage")]
    private static unsafe partial int GetUsage(int who, long* usage);
}
