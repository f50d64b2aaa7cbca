using ClusterFs.Api;

namespace ClusterFs.Cli.Display;

/// <summary>What somebody has switched off for a while: said until it is switched on again, so that nobody forgets it.</summary>
internal static class Maintenance
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    public static IEnumerable<string> Of(StatusReport report)
    {
        var paused = report.Services.Where(service => service.Paused).Select(service => service.Name).ToList();
        if (paused.Count > 0)
        {
            var all = paused.Count == report.Services.Length;
            yield return $"PAUSED: {(all && paused.Count > 1 ? "all services" : string.Join(", ", paused))}: nothing is granted or moved by itself; "
                + $"'clusterfs resume{(all || paused.Count > 1 ? "" : $" {paused[0]}")}' ends it.";
        }

        foreach (var member in report.Cluster.Members.Where(member => member.DrainedSince is not null))
        {
            yield return $"DRAINED: {member.Name}, since {Humane.Time(member.DrainedSince!.Value)}: it is given nothing; 'clusterfs node undrain {member.Name}' ends it.";
        }
    }

    /// <summary>For commands that have done something else: on standard error, and nothing where the daemon does not say.</summary>
    public static async Task SayAsync(Terminal terminal, DaemonClient client, CancellationToken cancellation)
    {
        try
        {
            foreach (var line in Of(await client.GetStatusAsync(AnswerTimeout, cancellation).ConfigureAwait(false)))
            {
                terminal.Say(line);
            }
        }
        catch (DaemonException)
        {
            // The command itself is done, and has said so.
        }
    }
}
