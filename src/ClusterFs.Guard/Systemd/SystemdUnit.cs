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
    /// <exception cref="InvalidOperationException">The unit is not bound to its lease, or cannot be found by its name, or systemd gave no answer.</exception>
    /// <exception cref="IOException">systemctl cannot be talked to.</exception>
    public static void BeginStart(string unit, string service)
    {
        var facts = UnitFacts.Parse(Read(UnitFacts.Question(unit)));
        if ((facts.WhyNotAttachable(unit) ?? facts.WhyNotBound(unit, service)) is { } problem)
        {
            throw new InvalidOperationException(problem);
        }

        // However often it failed here before, ownership that came here is a reason to try.
        Ask("reset-failed", "--", unit);
        Ask("start", "--no-block", "--", unit);
    }

    /// <summary>Whether a unit that was told to stop has ended, by its control group and by systemd's word.</summary>
    public static UnitStop LookForEnd(string unit)
    {
        try
        {
            if (UnitProcesses.Any(unit))
            {
                return UnitStop.Stopping;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The hierarchy changes while it is searched; it is searched again.
            return UnitStop.Stopping;
        }

        try
        {
            return UnitFacts.Parse(Read(UnitFacts.Question(unit))).IsOver ? UnitStop.Over : UnitStop.Stopping;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return UnitStop.Unanswered;
        }
    }

    private static string Read(params string[] arguments)
    {
        var start = Systemctl(arguments);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        try
        {
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync();
            _ = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(Patience) || !output.Wait(Patience))
            {
                process.Kill();
                throw new InvalidOperationException($"systemctl {arguments[0]} takes longer than {Patience.TotalSeconds:0} s");
            }

            return process.ExitCode == 0 ? output.Result : throw new InvalidOperationException($"systemctl {arguments[0]} ended with {process.ExitCode}");
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
