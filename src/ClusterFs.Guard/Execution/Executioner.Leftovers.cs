using ClusterFs.Guard.Addresses;
using ClusterFs.Guard.State;
using ClusterFs.Posix;

namespace ClusterFs.Guard.Execution;

/// <summary>What an earlier guard left behind.</summary>
internal sealed partial class Executioner
{
    /// <summary>Whether systemd has ended a unit, or does not answer; may take its time. Set before leftovers are buried.</summary>
    public Func<string, bool> IsUnitOver { get; set; } = _ => true;

    /// <summary>Kills what an earlier guard left behind and returns when nothing of it is alive or to be reached. Before anything else is asked.</summary>
    /// <param name="addresses">Waited for once everything is dead, and before it is forgotten.</param>
    public void BuryLeftovers(IReadOnlyList<ServiceRecord> records, LeftoverAddresses addresses)
    {
        var leftovers = new List<(ServiceRecord Record, ServiceProcesses Processes)>();
        foreach (var record in records)
        {
            if (record.BootId == MachineClock.BootId)
            {
                leftovers.Add((record, ServiceProcesses.Of(record, _wards.GetValueOrDefault(record.Service)?.Service)));
            }
            else
            {
                _forget(record);
            }
        }

        var empty = 0;
        var said = new HashSet<int>();
        using var tick = new ManualResetEventSlim();
        while (empty < 2 && leftovers.Count > 0)
        {
            var table = ProcessTable.Read();
            var alive = 0;
            foreach (var (record, processes) in leftovers)
            {
                var found = processes.FindIn(table);
                if (found.Count > 0)
                {
                    var problems = processes.Kill(found);
                    if (found.Count(said.Add) is > 0 and var more)
                    {
                        _log.KillingLeftover(record.Service, record.Epoch, more);
                    }

                    Complain(record.Service, problems);
                    alive += found.Count;
                }
            }

            // A unit that is not found and not over either has another name, or is between two of its processes.
            empty = alive > 0 || leftovers.Any(leftover => leftover.Processes.Unit is { } unit && !IsUnitOver(unit)) ? 0 : empty + 1;
            _ = tick.Wait(ShortestPoll);
        }

        addresses.AwaitGone();
        foreach (var (record, processes) in leftovers)
        {
            processes.Group?.Remove();
            _forget(record);
        }
    }
}
