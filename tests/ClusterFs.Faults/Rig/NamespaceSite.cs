using System.Globalization;
using ClusterFs.Demo;
using ClusterFs.Demo.Layout;
using ClusterFs.Demo.Processes;
using ClusterFs.Posix;

namespace ClusterFs.Faults.Rig;

/// <summary>
/// Hosts in network namespaces of their own, each with a disk that loses what was not synced, a wall clock that can be set, and its own
/// mount of the shared file system. Everything lies in memory, below one directory.
/// </summary>
internal sealed class NamespaceSite : ClusterSite, IDisposable
{
    /// <summary>How often a disk holds the live content at most: as it is, a standby copy, a restore under way, and what else is kept.</summary>
    private const int Copies = 4;

    private const long LeastDisk = 1L << 30;
    private const long LeastMemory = 8L << 30;

    private readonly long _memory;
    private readonly RigNames _names;
    private readonly IReadOnlyList<string> _hosts;
    private readonly Dictionary<string, NodeDisk> _disks;
    private readonly NodeDisk _sharedDisk;
    private readonly bool _wallClocks;
    private DirectoryLock? _lock;

    private NamespaceSite(string name, int nodes, bool wallClocks, long liveContent)
    {
        _wallClocks = wallClocks;
        _names = new RigNames(ProcessMark.Unique(name));
        NodeNames = [.. Enumerable.Range(1, nodes).Select(node => $"n{node}")];
        _hosts = [.. NodeNames, LocalCluster.DatabaseHost];
        Network = new RigNetwork(_names, _hosts);
        Clocks = new WallClocks(Directory);
        var disk = LeastDisk + (Copies * liveContent);
        _memory = LeastMemory + (Copies * liveContent * (nodes + 1));
        _disks = NodeNames.ToDictionary(node => node, node => new NodeDisk(InDirectory($"{node}.img"), DiskOf(node), disk));
        _sharedDisk = new NodeDisk(InDirectory("shared.img"), SharedDirectory, disk);
        Mounts = NodeNames.ToDictionary(
            node => node,
            node => new SharedMount(
                node,
                SharedDirectory,
                SharedDirectoryOf(node),
                InDirectory($"shared-{node}.log"),
                new Dictionary<string, string> { [ProcessMark.Variable] = Mark.ValueFor("shared") }));
    }

    public IReadOnlyList<string> NodeNames { get; }

    public RigNetwork Network { get; }

    public WallClocks Clocks { get; }

    public IReadOnlyDictionary<string, SharedMount> Mounts { get; }

    public override ProcessMark Mark => _names.Mark;

    public override string Directory => _names.Directory;

    public override Ports Ports => Ports.Usual;

    public override string DatabaseAddress => AddressOf(_hosts.Count);

    public override string Removal => _names.Removal;

    /// <summary>Outside of every node; what is written there outlives all faults.</summary>
    public string TimelineDirectory => InDirectory("timeline");

    /// <param name="wallClocks">Whether each node has a wall clock of its own, which makes every look at any clock dearer.</param>
    /// <exception cref="ConditionNotMetException">A command of the administrator failed; nothing is left behind.</exception>
    /// <param name="liveContent">Bytes that the disks have to have room for, several times.</param>
    public static async Task<NamespaceSite> Build(string name, int nodes, bool wallClocks = true, long liveContent = 0)
    {
        var site = new NamespaceSite(name, nodes, wallClocks, liveContent);
        // Nobody else cleans up until there is a cluster.
        using var warden = Warden.Start(site.Mark, site.Removal);
        try
        {
            await site.Build();
            return site;
        }
        catch
        {
            await Eventually.True("no process is left", TimeSpan.FromSeconds(5), () => LocalCluster.KillAll(site.Mark.Processes()));
            site.Dispose();
            await Shell.Run("/bin/sh", "-c", site.Removal);
            throw;
        }
    }

    public override string AddressOf(int node) => RigNetwork.AddressOf(node);

    public override string DiskOf(string node) => InDirectory($"{node}-disk");

    public override string SharedDirectoryOf(string node) => InDirectory($"{node}-shared");

    public override IReadOnlyList<string> Enter(string host) => Network.Enter(host);

    public override IReadOnlyDictionary<string, string> SurroundingsOf(string host) =>
        _wallClocks && NodeNames.Contains(host) ? Clocks.EnvironmentOf(host) : base.SurroundingsOf(host);

    public NodeDisk Disk(string node) => _disks[node];

    public async Task FillShared()
    {
        var free = new DriveInfo(SharedDirectory).AvailableFreeSpace;
        await Shell.TryRun("fallocate", "-l", string.Create(CultureInfo.InvariantCulture, $"{free - 65536}"), FillingFile);
        await Shell.TryRun("/bin/sh", "-c", $"cat /dev/zero > '{FillingFile}.rest'");
    }

    public void EmptyShared()
    {
        File.Delete(FillingFile);
        File.Delete(FillingFile + ".rest");
    }

    /// <summary>From now on this run counts as over for those who look for leftovers.</summary>
    public void Dispose()
    {
        Network.Dispose();
        _lock?.Dispose();
        _lock = null;
    }

    private string FillingFile => Path.Combine(SharedDirectory, ".filling");

    private string InDirectory(string name) => Path.Combine(Directory, name);

    private async Task Build()
    {
        System.IO.Directory.CreateDirectory(Directory);
        await Shell.Run("mount", "-t", "tmpfs", "-o", $"size={_memory},mode=755", "clusterfs-fault", Directory);
        _lock = DirectoryLock.TryTake(Directory) ?? throw new ConditionNotMetException($"{Directory} is in use");
        await Clocks.Build();
        await Network.Build();
        await _sharedDisk.Format();
        foreach (var node in NodeNames)
        {
            Clocks.Set(node, TimeSpan.Zero);
            await _disks[node].Format();
            await Mounts[node].Mount();
        }
    }
}
