using System.ComponentModel;
using System.Diagnostics;

namespace ClusterFs.Guard.Execution;

/// <summary>A service that systemd starts. Asked of <c>systemctl</c>, which may take its time: never on a thread that has deadlines.</summary>
internal static class SystemdUnit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <returns>Null when the unit has no processes.</returns>
    /// <exception cref="InvalidOperationException">systemd gave no answer.</exception>
    public static ControlGroup? FindGroup(string unit) =>
        ControlGroup.OfUnit(Ask("show", "--property=ControlGroup", "--value", "--", unit).Trim());

    /// <summary>Asks systemd to stop the unit, and does not wait for it.</summary>
    /// <exception cref="InvalidOperationException">systemd gave no answer.</exception>
    public static void BeginStop(string unit) => _ = Ask("stop", "--no-block", "--", unit);

    private static string Ask(params string[] arguments)
    {
        var start = new ProcessStartInfo("systemctl", arguments) { RedirectStandardOutput = true };
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(Patience))
            {
                process.Kill();
                throw new InvalidOperationException($"systemctl {arguments[0]} takes longer than {Patience.TotalSeconds:0} s");
            }

            return process.ExitCode == 0
                ? output.GetAwaiter().GetResult()
                : throw new InvalidOperationException($"systemctl {arguments[0]} ended with {process.ExitCode}");
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"systemctl cannot be started: {e.Message}", e);
        }
    }
}
