using System.Globalization;

namespace ClusterFs.Guard.Execution;

/// <summary>A process, told from a later one with the same number by when it started (in the kernel's ticks since boot).</summary>
internal readonly record struct ProcessIdentity(int Id, long Started);

/// <summary>One living process.</summary>
internal sealed record ProcessEntry(ProcessIdentity Identity, int Parent, int Group, int Session)
{
    public int Id => Identity.Id;
}

/// <summary>
/// The machine's living processes at one moment, as far as such a moment exists: a process that forks while /proc is read may be missed,
/// so emptiness counts only when it is seen twice.
/// </summary>
internal sealed class ProcessTable
{
    private readonly Dictionary<int, ProcessEntry> _entries;
    private readonly ILookup<int, ProcessEntry> _children;

    private ProcessTable(Dictionary<int, ProcessEntry> entries)
    {
        _entries = entries;
        _children = entries.Values.ToLookup(entry => entry.Parent);
    }

    public IEnumerable<ProcessEntry> All => _entries.Values;

    public static ProcessTable Read()
    {
        var entries = new Dictionary<int, ProcessEntry>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && ReadEntry(id, out _) is { } entry)
            {
                entries[id] = entry;
            }
        }

        return new ProcessTable(entries);
    }

    /// <returns>Null when there is no such process, or only what is left of it until its parent takes note.</returns>
    public static ProcessEntry? Find(int id) => ReadEntry(id, out _);

    /// <summary>Children of a process that have ended and wait for it to take note.</summary>
    public static IReadOnlyList<int> EndedChildrenOf(int parent)
    {
        var ended = new List<int>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && ReadEntry(id, out var parentOfEnded) is null
                && parentOfEnded == parent)
            {
                ended.Add(id);
            }
        }

        return ended;
    }

    public bool IsAlive(ProcessIdentity process) => _entries.TryGetValue(process.Id, out var entry) && entry.Identity == process;

    /// <summary>The process itself, unless its number has gone to another, and everything that descends from it.</summary>
    public void AddTree(ProcessIdentity root, ISet<int> found)
    {
        if (IsAlive(root))
        {
            _ = found.Add(root.Id);
            AddDescendants(root, found);
        }
    }

    /// <summary>Everything that descends from a process, without the process.</summary>
    public void AddDescendants(ProcessIdentity root, ISet<int> found)
    {
        if (!IsAlive(root))
        {
            return;
        }

        var open = new Queue<int>([root.Id]);
        while (open.TryDequeue(out var parent))
        {
            foreach (var child in _children[parent])
            {
                if (child.Id != root.Id && found.Add(child.Id))
                {
                    open.Enqueue(child.Id);
                }
            }
        }
    }

    /// <summary>The processes of a session whose leader was this process, which may be gone.</summary>
    public void AddSession(ProcessIdentity leader, ISet<int> found)
    {
        if (_entries.TryGetValue(leader.Id, out var entry) && entry.Identity != leader)
        {
            return;
        }

        foreach (var member in _entries.Values.Where(member => member.Session == leader.Id))
        {
            _ = found.Add(member.Id);
        }
    }

    private static ProcessEntry? ReadEntry(int id, out int parentOfEnded)
    {
        parentOfEnded = 0;
        string text;
        try
        {
            text = File.ReadAllText($"/proc/{id}/stat");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        // The name, in parentheses, may hold anything; the last parenthesis ends it.
        var name = text.LastIndexOf(')');
        if (name < 0)
        {
            return null;
        }

        var fields = text[(name + 2)..].Split(' ');
        var state = fields[0][0];
        var parent = int.Parse(fields[1], CultureInfo.InvariantCulture);
        var threads = int.Parse(fields[17], CultureInfo.InvariantCulture);

        // A zombie whose other threads live on is a living process.
        if (state is 'X' or 'x' || (state == 'Z' && threads <= 1))
        {
            parentOfEnded = parent;
            return null;
        }

        return new ProcessEntry(
            new ProcessIdentity(id, long.Parse(fields[19], CultureInfo.InvariantCulture)),
            parent,
            int.Parse(fields[2], CultureInfo.InvariantCulture),
            int.Parse(fields[3], CultureInfo.InvariantCulture));
    }
}
