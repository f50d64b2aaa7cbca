using ClusterFs.Guard.Execution;

namespace ClusterFs.Guard.Systemd;

/// <summary>Looks which services' units are attached to their leases on this node: that may change at any time, by the administrator's hand.</summary>
internal sealed class UnitWatch(IEnumerable<GuardedService> services, Executioner executioner, TimeProvider time)
{
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);

    private readonly IReadOnlyList<UnitAttachment> _attachments =
        [.. services.Where(service => service.Unit is not null).Select(service => new UnitAttachment(service.Unit!, service.Name))];

    public async Task RunAsync(CancellationToken cancellation)
    {
        if (_attachments.Count == 0 || !Directory.Exists("/run/systemd/system"))
        {
            return;
        }

        using var timer = new PeriodicTimer(Every, time);
        do
        {
            foreach (var attachment in _attachments)
            {
                executioner.UnitAttached(attachment.Service, attachment.Exists());
            }
        }
        while (await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false));
    }
}
