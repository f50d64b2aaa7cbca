using System.ComponentModel;
using System.Diagnostics;

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

    public static bool IsKnown(string unit) => Ask("show", "--property=LoadState", "--value", "--", unit).Output is "loaded";

    /// <summary>Whether anything of it runs, or is about to.</summary>
    public static bool IsActive(string unit) => Ask("is-active", "--", unit).Output is "active" or "activating" or "reloading" or "deactivating";

    public static bool IsEnabled(string unit) => Ask("is-enabled", "--", unit).Output is "enabled" or "enabled-runtime";

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
