using System.Globalization;
using System.Text;
using ClusterFs.Posix;

namespace ClusterFs.Archive.Capture;

/// <summary>
/// The processes of one run of a command, told by a variable of their environment: also those that its shell left behind, and those that
/// outlived the daemon which started them.
/// </summary>
internal static class MarkedProcesses
{
    public const string Variable = "CLUSTERFS_RUN";

    private const int Rounds = 200;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Kills them until none is left, for a second at most: one that is stuck in the kernel is not waited for.</summary>
    public static void Kill(string run)
    {
        var mark = Encoding.ASCII.GetBytes($"{Variable}={run}\0");
        using var never = new ManualResetEventSlim();
        for (var round = 0; round < Rounds && KillOnce(mark); round++)
        {
            never.Wait(Pause);
        }
    }

    private static bool KillOnce(byte[] mark)
    {
        var found = false;
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var process)
                && process > 1
                && process != Environment.ProcessId
                && IsMarked(directory, mark))
            {
                found |= Processes.Signal(process, Processes.SignalKill);
            }
        }

        return found;
    }

    private static bool IsMarked(string directory, byte[] mark)
    {
        try
        {
            return File.ReadAllBytes(Path.Combine(directory, "environ")).AsSpan().IndexOf(mark) >= 0;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It has ended, or is another user's, and so none of ours.
            return false;
        }
    }
}
