using ClusterFs.Api;
using ClusterFs.Configuration;

namespace ClusterFs.Cli.Commands;

/// <summary>A service from the point of view of the node that a command runs on.</summary>
internal static class LocalService
{
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(2);

    /// <exception cref="ConfigurationException">There is no such service.</exception>
    /// <exception cref="CommandException">It may not run on this node.</exception>
    public static ServiceSettings Require(Settings settings, string name)
    {
        var service = settings.RequireService(name);
        return service.Nodes.Contains(settings.Node.Name)
            ? service
            : throw new CommandException(
                ExitCodes.Refused, $"{name} may not run on '{settings.Node.Name}'", $"its nodes are {string.Join(", ", service.Nodes)}");
    }

    /// <returns>The other node that owns the service; null when none does, or nobody knows.</returns>
    public static async Task<string?> FindOtherOwnerAsync(Settings settings, string service, CancellationToken cancellation)
    {
        try
        {
            using var client = new DaemonClient(settings.Node.Socket);
            var report = await client.GetStatusAsync(AnswerTimeout, cancellation).ConfigureAwait(false);
            var owner = report.Services.FirstOrDefault(status => status.Name == service)?.Owner;
            return owner == settings.Node.Name ? null : owner;
        }
        catch (DaemonException)
        {
            // Whoever asks does without the name.
            return null;
        }
    }
}
