using System.Globalization;
using System.Text;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// The processes of one run of a command, told by a variable of their environment: also those that its shell left behind, and those that
/// outlived the daemon which started them. Some clear it; those of a run that has a directory of its own are told by that they are in it, too.
/// </summary>
internal static class MarkedProcesses
{
    public const string Variable = "CLUSTERFS_RUN";

    private const int Rounds = 200;

    /// <summary>Rounds that found none, when one of the processes told nothing: it may have been about to become another program.</summary>
    private const int Doubts = 5;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Kills them until none is left, for a second at most: one that is stuck in the kernel is not waited for.</summary>
    /// <param name="directory">Of that run alone, without symbolic links: whoever works in it is killed too. Null when it has none.</param>
    public static void Kill(string run, string? directory = null)
    {
        var mark = Encoding.ASCII.GetBytes($"{Variable}={run}\0");
        using var never = new ManualResetEventSlim();
        for (int round = 0, doubts = 0; round < Rounds; round++)
        {
            var (found, doubt) = KillOnce(mark, directory);
            doubts = found ? 0 : doubts + 1;
            if (!found && (!doubt || doubts == Doubts))
            {
                return;
            }

            never.Wait(Pause);
        }
    }

    private static (bool Found, bool Doubt) KillOnce(byte[] mark, string? place)
    {
        var (found, doubt) = (false, false);
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var process)
                && process > 1
                && process != Environment.ProcessId)
            {
                var marked = IsMarked(directory, mark);
                doubt |= marked is null;
                found |= (marked == true || (place is not null && WorksIn(place, directory))) && Processes.Signal(process, Processes.SignalKill);
            }
        }

        return (found, doubt);
    }

    private static bool WorksIn(string place, string directory)
    {
        try
        {
            // The kernel adds " (deleted)" to the name of one that is gone.
            return new FileInfo(Path.Combine(directory, "cwd")).LinkTarget is { } working
                && (working == place || working == $"{place} (deleted)" || working.StartsWith(place + "/", StringComparison.Ordinal));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <returns>Null for a program that has no environment, or does not have it yet.</returns>
    private static bool? IsMarked(string directory, byte[] mark)
    {
        try
        {
            var environment = File.ReadAllBytes(Path.Combine(directory, "environ"));
            return environment.Length > 0 ? environment.AsSpan().IndexOf(mark) >= 0
                : new FileInfo(Path.Combine(directory, "exe")).LinkTarget is null ? false
                : null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's, and so none of ours.
            return false;
        }
    }
}
