using ClusterFs.Demo;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Faults.Rig;

/// <summary>The administrator's commands that the rig is made with.</summary>
internal static class Shell
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly Dictionary<string, string> NoVariables = [];

    /// <exception cref="ConditionNotMetException">The command failed.</exception>
    public static async Task Run(params string[] command) => (await Command.Run(command, NoVariables, Patience)).Successful();

    /// <returns>Whether the command succeeded.</returns>
    public static async Task<bool> TryRun(params string[] command) => (await Command.Run(command, NoVariables, Patience)).ExitCode == 0;

    public static bool IsMounted(string directory) =>
        File.ReadLines("/proc/self/mounts").Any(line => line.Split(' ')[1] == directory);
}
