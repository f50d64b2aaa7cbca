using System.ComponentModel;
using System.Diagnostics;

namespace ClusterFs.Guard.Execution;

/// <summary>
/// Has systemd stop a service that it starts, through <c>systemctl</c>, which may take its time: never on a thread that has deadlines.
/// </summary>
internal static class SystemdUnit
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>What systemctl says of a unit that is not loaded: there is nothing to stop.</summary>
    private const int NotLoaded = 5;

    /// <summary>
    /// Asks systemd to stop the unit, and does not wait for it. On return a start that was asked for before is off, and what the unit has
    /// already started is in its control group.
    /// </summary>
    /// <exception cref="InvalidOperationException">systemd gave no answer.</exception>
    /// <exception cref="IOException">systemctl cannot be talked to.</exception>
    public static void BeginStop(string unit) => Ask("stop", "--no-block", "--", unit);

    private static void Ask(params string[] arguments)
    {
        var start = new ProcessStartInfo("systemctl", arguments);
        try
        {
            using var process = Process.Start(start)!;
            if (!process.WaitForExit(Patience))
            {
                process.Kill();
                throw new InvalidOperationException($"systemctl {arguments[0]} takes longer than {Patience.TotalSeconds:0} s");
            }

            if (process.ExitCode is not (0 or NotLoaded))
            {
                throw new InvalidOperationException($"systemctl {arguments[0]} ended with {process.ExitCode}");
            }
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"systemctl cannot be started: {e.Message}", e);
        }
    }
}
