using System.ComponentModel;
using System.Diagnostics;

namespace ClusterFs.Guard.Systemd;

/// <summary>
/// Has systemd start and stop a service, through <c>systemctl</c>, which may take its time: never on a thread that has deadlines.
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

    /// <summary>
    /// Asks systemd to start the unit, and does not wait for it. Refused unless systemd itself knows that the unit cannot run without its
    /// lease: a file on disk may not be loaded yet.
    /// </summary>
    /// <exception cref="InvalidOperationException">The unit is not bound to its lease, or systemd gave no answer.</exception>
    /// <exception cref="IOException">systemctl cannot be talked to.</exception>
    public static void BeginStart(string unit, string service)
    {
        var bound = Read("show", "--property=BindsTo", "--value", "--", unit).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        if (!bound.Contains(UnitAttachment.LeaseUnitOf(service)))
        {
            throw new InvalidOperationException(
                $"systemd does not know that {unit} is bound to its lease: run 'clusterfs systemd attach {unit} {service}' again");
        }

        // However often it failed here before, ownership that came here is a reason to try.
        Ask("reset-failed", "--", unit);
        Ask("start", "--no-block", "--", unit);
    }

    private static string Read(params string[] arguments)
    {
        var start = Systemctl(arguments);
        start.RedirectStandardOutput = true;
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(Patience) || !output.Wait(Patience))
            {
                process.Kill();
                throw new InvalidOperationException($"systemctl {arguments[0]} takes longer than {Patience.TotalSeconds:0} s");
            }

            return output.Result;
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"systemctl cannot be started: {e.Message}", e);
        }
    }

    private static void Ask(params string[] arguments)
    {
        // What was never started is not loaded, which is no complaint worth a line of the log.
        var start = Systemctl(arguments);
        start.RedirectStandardError = arguments[0] == "reset-failed";
        try
        {
            using var process = Process.Start(start)!;
            if (!process.WaitForExit(Patience))
            {
                process.Kill();
                throw new InvalidOperationException($"systemctl {arguments[0]} takes longer than {Patience.TotalSeconds:0} s");
            }

            if (process.ExitCode is not (0 or NotLoaded) && arguments[0] != "reset-failed")
            {
                throw new InvalidOperationException($"systemctl {arguments[0]} ended with {process.ExitCode}");
            }
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"systemctl cannot be started: {e.Message}", e);
        }
    }

    /// <summary>What systemd gave this process to report to it is no child's.</summary>
    private static ProcessStartInfo Systemctl(string[] arguments)
    {
        var start = new ProcessStartInfo("systemctl", arguments);
        _ = start.Environment.Remove("NOTIFY_SOCKET");
        return start;
    }
}
