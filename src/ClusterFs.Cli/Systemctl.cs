using System.ComponentModel;
using System.Diagnostics;
using ClusterFs.Guard.Systemd;

namespace ClusterFs.Cli;

/// <summary>What the command line asks the machine's systemd.</summary>
internal static class Systemctl
{
    /// <exception cref="CommandException">systemd refused.</exception>
    public static void Reload()
    {
        if (Ask("daemon-reload") is not { ExitCode: 0 } answer)
        {
            throw new CommandException(ExitCodes.Failed, "systemctl daemon-reload failed", "see the journal");
        }
    }

    /// <exception cref="CommandException">systemd gave no answer.</exception>
    public static UnitFacts Describe(string unit) => Ask(UnitFacts.Question(unit)) is { ExitCode: 0 } answer
        ? UnitFacts.Parse(answer.Output)
        : throw new CommandException(ExitCodes.Failed, $"systemctl does not say how {unit} is", "see the journal");

    private static (int ExitCode, string Output) Ask(params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("systemctl", arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            _ = errors.Wait(TimeSpan.FromSeconds(1));
            return (process.ExitCode, output.Trim());
        }
        catch (Win32Exception e)
        {
            throw new CommandException(ExitCodes.Failed, $"systemctl cannot be started: {e.Message}");
        }
    }
}
