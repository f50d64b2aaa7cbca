using System.Collections.Immutable;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Lease.Voter;

namespace ClusterFs.Simulation;

/// <summary>One version of the shared configuration.</summary>
public sealed record ClusterConfiguration(ImmutableSortedSet<string> Voters, LeaseTimings Timings);

/// <summary>A server of the cluster: its clocks, its disk, its processes. Processes are held down by counts, so that faults may overlap.</summary>
public sealed class Node
{
    private readonly World _world;

    public Node(World world, int number, Host host)
    {
        _world = world;
        Number = number;
        Host = host;
    }

    public int Number { get; }

    public Host Host { get; }

    public string Name => Host.Name;

    /// <summary>Which version of the configuration the node has read.</summary>
    public int ConfigurationVersion { get; set; }

    public ClusterConfiguration Configuration => _world.Scenario.Configurations[ConfigurationVersion];

    /// <summary>Null when it is missing.</summary>
    public DurableVoterState? VoterDisk { get; set; }

    public DurableHolderState HolderDisk { get; set; } = DurableHolderState.Empty;

    /// <summary>Writes fail.</summary>
    public int DiskFull { get; set; }

    public LocalContentDisk Content { get; set; } = new();

    public GuardProcess? Guard { get; private set; }

    public DaemonProcess? Daemon { get; private set; }

    public int HostDown { get; private set; }

    public int GuardDown { get; private set; }

    public int DaemonDown { get; private set; }

    /// <summary>When the guard before answered last; for the bug of reading one's start too early.</summary>
    public Instant? GuardEndedAt { get; private set; }

    public void StartProcesses()
    {
        if (HostDown == 0 && GuardDown == 0 && Guard is null)
        {
            Guard = new GuardProcess(_world, this);
            Guard.Begin();
        }

        if (HostDown == 0 && DaemonDown == 0 && Daemon is null)
        {
            Daemon = new DaemonProcess(_world, this);
            Daemon.Begin();
        }
    }

    /// <returns>Undoes it.</returns>
    public Action TakeGuardDown()
    {
        GuardDown++;
        if (Guard is { } guard)
        {
            guard.Kill();
            GuardEndedAt = Host.Now;
            Guard = null;
        }

        return () =>
        {
            GuardDown--;
            StartProcesses();
        };
    }

    public Action TakeDaemonDown()
    {
        DaemonDown++;
        Daemon?.Kill();
        Daemon = null;
        return () =>
        {
            DaemonDown--;
            StartProcesses();
        };
    }

    /// <summary>The power is cut: everything dies at once, and the clocks begin anew.</summary>
    public Action TakeHostDown()
    {
        HostDown++;
        Guard?.Kill();
        Guard?.EndLeftovers();
        Guard = null;
        Daemon?.Kill();
        Daemon = null;
        Leftover?.EndLeftovers();
        Leftover = null;
        _world.Ledger.Over(Name);
        GuardEndedAt = null;
        Host.Reboot();
        return () =>
        {
            HostDown--;
            StartProcesses();
        };
    }

    /// <summary>A killed guard whose service may still be alive.</summary>
    public GuardProcess? Leftover { get; set; }

    public void LoseVoterDisk() => VoterDisk = null;

    /// <summary>All that the node ever wrote is gone.</summary>
    public void LoseDisk()
    {
        VoterDisk = null;
        HolderDisk = DurableHolderState.Empty;
        Content = new LocalContentDisk();
        _world.Ledger.Forgotten(Name);
    }
}
