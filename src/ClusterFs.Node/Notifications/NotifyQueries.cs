using System.Globalization;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Node.Api;
using ClusterFs.Ownership.Notifications;

namespace ClusterFs.Node.Notifications;

/// <summary>Has somebody told for a test.</summary>
internal sealed class NotifyQueries(Settings settings, Notifier notifier, TimeProvider time)
{
    /// <param name="service">Whose command; null for that of all services.</param>
    public async Task<Answer<NotifyReport>> TestAsync(string? service, CancellationToken cancellation)
    {
        if (service is not null && !settings.Services.ContainsKey(service))
        {
            return Problem.NoService(settings, service);
        }

        if (settings.NotifyOf(service ?? "") is not { } command)
        {
            return Problem.Of(
                StatusCodes.Status409Conflict, "nobody is told anything", $"set clusterfs.{(service is null ? "" : $"services.{service}.")}notify.command and start the daemons again");
        }

        var of = service is null ? "" : $" for {service}";
        var result = await notifier.TestAsync(
            new Notification(NotificationKind.Test, service, settings.Node.Name, 0, null, $"a test{of}, asked for on {settings.Node.Name}", time.GetUtcNow()),
            cancellation).ConfigureAwait(false);
        return result is null
            ? Problem.Of(StatusCodes.Status409Conflict, string.Create(CultureInfo.InvariantCulture, $"{Notifier.Capacity} notifications wait for their turn"), "the daemon's log says what holds them up")
            : new NotifyReport(settings.Node.Name, service, command.Command, result.Succeeded, result.Outcome);
    }
}
