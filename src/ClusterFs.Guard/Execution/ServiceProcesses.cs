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

    private readonly HashSet<int> _refusing = [];

    public ProcessIdentity? First { get; set; }

    public ProcessIdentity? Beside { get; init; }

    /// <summary>The process beside the service is the last that remains of it: a service that nobody else can find.</summary>
    public bool BesideCounts { get; set; }

    public string? Attachment { get; init; }

    public ControlGroup? Group { get; set; }

    /// <summary>The systemd unit that the service runs as; its control group is looked for each time.</summary>
    public string? Unit { get; set; }

    public string? PidFile { get; init; }

    public static ServiceProcesses Of(ServiceRecord record, GuardedService? service) => new()
    {
        First = record.Process == 0 ? null : new ProcessIdentity(record.Process, record.Started),
        Beside = new ProcessIdentity(record.BesideProcess, record.BesideStarted),
        Attachment = record.Attachment,
        Group = record.ControlGroup is null ? null : new ControlGroup(record.ControlGroup),
        PidFile = record.Held ? service?.PidFile : null,
        Unit = record.Held ? record.Unit ?? service?.Unit : null,
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
        UnitGroup()?.AddProcesses(found);
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
    /// <returns>What <see cref="Kill"/> returns.</returns>
    public IReadOnlyList<string> Terminate()
    {
        var problems = new List<string>();
        if (First is { } first && ProcessTable.Find(first.Id) is { } entry && entry.Identity == first)
        {
            var target = entry.Group == first.Id ? -first.Id : first.Id;
            Signal(target, Processes.SignalTerminate, problems);

            // A stopped process hears nothing; it may use what is left of its time.
            Signal(target, Processes.SignalContinue, problems);
        }

        return problems;
    }

    /// <summary>Nobody else asks the processes that are left to end: there is no first one to do it, and no service manager.</summary>
    public bool AsksEach(ProcessTable table) => Unit is null && !BesideCounts && !(First is { } first && table.IsAlive(first));

    /// <summary>Asks each of these processes to end.</summary>
    /// <returns>What <see cref="Kill"/> returns.</returns>
    public IReadOnlyList<string> TerminateEach(IEnumerable<int> found) => SignalEach(found, Processes.SignalTerminate);

    /// <summary>Kills each of these processes, and nothing of the control group besides.</summary>
    /// <returns>What <see cref="Kill"/> returns.</returns>
    public IReadOnlyList<string> KillEach(IEnumerable<int> found) => SignalEach(found, Processes.SignalKill);

    /// <summary>Kills every one of these processes that may be killed.</summary>
    /// <returns>Why a process could not be reached; each process is complained of once, however often it is tried.</returns>
    public IReadOnlyList<string> Kill(IEnumerable<int> found)
    {
        Group?.Kill();
        UnitGroup()?.Kill();
        return SignalEach(found, Processes.SignalKill);
    }

    private ControlGroup? UnitGroup()
    {
        try
        {
            return Unit is null ? null : ControlGroup.OfUnit(Unit);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The hierarchy changes while it is searched; it is searched again.
            return null;
        }
    }

    private List<string> SignalEach(IEnumerable<int> found, int signal)
    {
        var problems = new List<string>();
        foreach (var process in found)
        {
            Signal(process, signal, problems);
        }

        return problems;
    }

    /// <summary>A process that may not be signalled keeps none of the others alive, nor ends whoever kills them.</summary>
    private void Signal(int target, int signal, List<string> problems)
    {
        try
        {
            _ = Processes.Signal(target, signal);
        }
        catch (PosixException e)
        {
            if (_refusing.Add(target))
            {
                problems.Add(e.Message);
            }
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
