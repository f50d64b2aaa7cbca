namespace ClusterFs.Cluster.Tests.Recipes;

/// <summary>As much of a unit of systemd as says what is started, and as whom.</summary>
internal static class UnitFile
{
    /// <summary>What systemd would do at a start, as a command line.</summary>
    /// <param name="texts">The unit, and its drop-ins in their order.</param>
    public static IReadOnlyList<string> Command(IEnumerable<string> texts)
    {
        var settings = texts
            .SelectMany(text => text.Split('\n'))
            .Select(line => line.Split('=', 2))
            .Where(parts => parts.Length == 2)
            .ToLookup(parts => parts[0].Trim(), parts => parts[1].Trim());
        var user = settings["User"].LastOrDefault();
        var start = settings["ExecStart"].Last();
        if (user is not null && Posix.Processes.IsRoot)
        {
            start = $"setpriv --reuid={user} --regid={user} --init-groups -- {start}";
        }

        return ["sh", "-ec", string.Join('\n', [.. settings["ExecStartPre"], $"exec {start}"])];
    }
}
