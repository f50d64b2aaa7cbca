using ClusterFs.Api;
using ClusterFs.Configuration;

namespace ClusterFs.Cli.Commands;

/// <summary>Why a node that does not own a service need not wait for it. Not thread-safe.</summary>
internal sealed class HoldRefusal(Settings settings, string service, TimeProvider time)
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    /// <summary>A cluster that just started, or lost its owner, has decided by then.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly long _begun = time.GetTimestamp();

    /// <returns>Null while there is hope.</returns>
    public async Task<string?> FindAsync(CancellationToken cancellation)
    {
        ServiceStatus? status;
        var isDrained = false;
        var problem = "nobody owns it";
        try
        {
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await client.GetStatusAsync(AnswerTimeout, cancellation).ConfigureAwait(false);
            status = report.Services.FirstOrDefault(candidate => candidate.Name == service);
            isDrained = report.Cluster.Members.Any(member => member.Name == settings.Node.Name && member.DrainedSince is not null);
        }
        catch (DaemonException e)
        {
            status = null;
            problem = e.Message;
        }

        return Judge(settings.Node.Name, status)
            ?? (isDrained && status?.Owner is null ? $"refused: this node is drained; 'clusterfs node undrain {settings.Node.Name}' ends that" : null)
            ?? (time.GetElapsedTime(_begun) > Patience
            ? $"this node was not granted it within {Durations.Show(Patience)}: {status?.Reason ?? problem}; see 'clusterfs status'"
            : null);
    }

    internal static string? Judge(string node, ServiceStatus? status) => status switch
    {
        { Owner: { } owner } when owner != node =>
            $"refused: node {owner} owns it; 'clusterfs move {status.Name} --to {node}' brings it here",
        { Owner: null, Damped: true } => $"refused: it was started again and again and never stayed up; 'clusterfs resume {status.Name}' tries again",
        { Owner: null, Paused: true } => $"refused: it is paused; 'clusterfs resume {status.Name}' ends that",
        _ => null,
    };
}
