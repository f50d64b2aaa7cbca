using ClusterFs.Guard.State;
using ClusterFs.Posix;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Execution;

/// <summary>
/// Takes in a process that is to become a service: control group and record first, both durable, then the wait. Runs where disks may be
/// waited for; the executioner decides.
/// </summary>
internal sealed class GateKeeper(string groupPrefix, GuardFiles files, Executioner executioner, ILogger log)
{
    private int _groupsFailed;

    public async Task<GatePass> WaitAsync(string service, string token, long epoch, ProcessEntry process)
    {
        if (await executioner.ArriveAsync(service, token, epoch, process).ConfigureAwait(false) is not { } attachment)
        {
            log.TurnedAway(process.Id, service, epoch);
            return GatePass.Closed;
        }

        var group = TryGroup(service, process);
        var record = new ServiceRecord(
            service, epoch, MachineClock.BootId, process.Id, process.Identity.Started, attachment.Process.Id, attachment.Process.Started, token,
            group?.Directory, Held: false, Addresses: executioner.AddressesOf(service));
        try
        {
            files.Write(record);
        }
        catch (IOException e)
        {
            log.ServiceNotRecorded(service, epoch, e.Message);
            return GatePass.Closed;
        }

        return await executioner.WaitAtGateAsync(record, group).ConfigureAwait(false);
    }

    private ControlGroup? TryGroup(string service, ProcessEntry process)
    {
        try
        {
            return ControlGroup.OwnDirectory() is { } own
                ? ControlGroup.CreateWith(Path.Combine(own, $"{groupPrefix}-{service}"), process.Id)
                : throw new IOException("no cgroup v2 hierarchy is mounted");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (Interlocked.Exchange(ref _groupsFailed, 1) == 0)
            {
                log.NoControlGroups(e.Message);
            }

            return null;
        }
    }
}
