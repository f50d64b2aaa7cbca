using System.Text;
using ClusterFs.Guard.State;
using ClusterFs.Posix;

namespace ClusterFs.Guard.Execution;

/// <summary>
/// Everything that belongs to one epoch's service on this machine, found by every trace that it cannot shed by itself all at once: its
/// control group, its descent from the process beside it (which adopts its orphans), its session, and, once the process beside it is gone,
/// the mark in its environment.
/// </summary>
internal sealed class ServiceProcesses
{
    /// <summary>In the environment of whatever an attached process starts for its service.</summary>
    public const string Mark = "CLUSTERFS_ATTACHMENT";

    public ProcessIdentity? First { get; set; }

    public ProcessIdentity? Beside { get; init; }

    /// <summary>The process beside the service is the last that remains of it: a service that nobody else can find.</summary>
    public bool BesideCounts { get; set; }

    public string? Attachment { get; init; }

    public ControlGroup? Group { get; set; }

    /// <summary>The control group of the systemd unit that the service runs as.</summary>
    public ControlGroup? UnitGroup { get; set; }

    public string? PidFile { get; init; }

    public static ServiceProcesses Of(ServiceRecord record, GuardedService? service) => new()
    {
        First = record.Process == 0 ? null : new ProcessIdentity(record.Process, record.Started),
        Beside = new ProcessIdentity(record.BesideProcess, record.BesideStarted),
        Attachment = record.Attachment,
        Group = record.ControlGroup is null ? null : new ControlGroup(record.ControlGroup),
        PidFile = record.Held ? service?.PidFile : null,
    };

    /// <summary>Those that are alive.</summary>
    public HashSet<int> FindIn(ProcessTable table)
    {
        var found = new HashSet<int>();
        if (First is { } first)
        {
            table.AddTree(first, found);
            table.AddSession(first, found);
        }

        if (Beside is { } beside)
        {
            table.AddDescendants(beside, found);
            if (BesideCounts)
            {
                table.AddTree(beside, found);
            }
        }

        if (PidFile is not null && ReadPidFile(table) is { } process)
        {
            table.AddTree(process, found);
            table.AddSession(process, found);
        }

        Group?.AddProcesses(found);
        UnitGroup?.AddProcesses(found);
        if (Attachment is not null && Beside is { } gone && !table.IsAlive(gone))
        {
            AddMarked(table, found);
        }

        // Groups and pid files name the dead, too.
        found.IntersectWith(table.All.Select(entry => entry.Id));
        _ = found.Remove(Environment.ProcessId);
        return found;
    }

    /// <summary>Asks the service to end: its first process and that one's group.</summary>
    public void Terminate()
    {
        if (First is { } first && ProcessTable.Find(first.Id) is { } entry && entry.Identity == first)
        {
            var target = entry.Group == first.Id ? -first.Id : first.Id;
            _ = Processes.Signal(target, Processes.SignalTerminate);

            // A stopped process hears nothing; it may use what is left of its time.
            _ = Processes.Signal(target, Processes.SignalContinue);
        }
    }

    /// <summary>Nobody else asks the processes that are left to end: there is no first one to do it, and no service manager.</summary>
    public bool AsksEach(ProcessTable table) => UnitGroup is null && !BesideCounts && !(First is { } first && table.IsAlive(first));

    public void Kill(IEnumerable<int> found)
    {
        Group?.Kill();
        UnitGroup?.Kill();
        foreach (var process in found)
        {
            _ = Processes.Signal(process, Processes.SignalKill);
        }
    }

    private void AddMarked(ProcessTable table, HashSet<int> found)
    {
        var mark = Encoding.UTF8.GetBytes($"{Mark}={Attachment}\0");
        foreach (var entry in table.All)
        {
            try
            {
                if (!found.Contains(entry.Id) && File.ReadAllBytes($"/proc/{entry.Id}/environ").AsSpan().IndexOf(mark) >= 0)
                {
                    table.AddTree(entry.Identity, found);
                }
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Gone, or another user's: not ours.
            }
        }
    }

    /// <summary>A held service starts after the process beside it; an older process has only inherited a number from a file left behind.</summary>
    private ProcessIdentity? ReadPidFile(ProcessTable table)
    {
        try
        {
            return int.TryParse(File.ReadAllText(PidFile!).AsSpan().Trim(), out var id) && id > 1
                ? table.All.FirstOrDefault(entry => entry.Id == id && entry.Identity.Started >= Beside?.Started)?.Identity
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
