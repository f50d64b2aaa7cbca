using System.Globalization;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Faults.Rig;

/// <summary>
/// One network namespace for each host, and one with the bridge that joins them. Addresses exist in these namespaces only, so that any
/// number of rigs can be up.
/// </summary>
internal sealed class RigNetwork(RigNames names, IReadOnlyList<string> hosts) : IDisposable
{
    private const string Table = "faults";

    private readonly Lock _turn = new();
    private readonly SemaphoreSlim _rules = new(1);
    private readonly List<Cut> _cuts = [];

    /// <summary>What stands before a command that runs on a host or on the switch. Mounts stay those of the whole machine.</summary>
    public IReadOnlyList<string> Enter(string host) => ["nsenter", $"--net={names.NamespaceFileOf(host)}", "--"];

    /// <summary>What a host's own `ip` says.</summary>
    public async Task<string> Ip(string host, params string[] arguments) =>
        (await Command.Run(["ip", "-n", names.NamespaceOf(host), .. arguments], new Dictionary<string, string>(), TimeSpan.FromSeconds(20))).Successful().Output;

    public static string AddressOf(int number) => string.Create(CultureInfo.InvariantCulture, $"10.78.0.{number}");

    public async Task Build()
    {
        var hub = names.NamespaceOf(RigNames.Switch);
        await Shell.Run("ip", "netns", "add", hub);
        await Shell.Run("ip", "-n", hub, "link", "set", "lo", "up");
        await Shell.Run("ip", "-n", hub, "link", "add", "br0", "type", "bridge");
        await Shell.Run("ip", "-n", hub, "link", "set", "br0", "up");
        await Nft($"add table bridge {Table}; add chain bridge {Table} forward {{ type filter hook forward priority 0; policy accept; }}");
        foreach (var host in hosts)
        {
            await AddHost(host, hub);
        }
    }

    /// <summary>Drops what these hosts send these others, until the cut is mended.</summary>
    public async Task<Cut> Sever(IReadOnlyList<(string From, string To)> ways)
    {
        var cut = new Cut(ways);
        lock (_turn)
        {
            _cuts.Add(cut);
        }

        await Render();
        return cut;
    }

    public async Task Mend(Cut cut)
    {
        lock (_turn)
        {
            _cuts.Remove(cut);
        }

        await Render();
    }

    public void Dispose() => _rules.Dispose();

    /// <summary>The switch's end of a host's cable.</summary>
    public static string PortOf(string host) => $"p-{host}";

    public Task OnSwitch(params string[] command) => Shell.Run([.. Enter(RigNames.Switch), .. command]);

    private async Task AddHost(string host, string hub)
    {
        var space = names.NamespaceOf(host);
        await Shell.Run("ip", "netns", "add", space);
        await Shell.Run("ip", "-n", space, "link", "set", "lo", "up");
        await Shell.Run(
            "ip", "-n", space, "link", "add", "eth0", "address", HardwareAddressOf(host), "type", "veth", "peer", "name", PortOf(host), "netns", hub);
        await Shell.Run("ip", "-n", hub, "link", "set", PortOf(host), "master", "br0", "up");
        await Shell.Run("ip", "-n", space, "addr", "add", $"{AddressOf(NumberOf(host))}/24", "dev", "eth0");
        await Shell.Run("ip", "-n", space, "link", "set", "eth0", "up");
        foreach (var other in hosts.Where(other => other != host))
        {
            // Nobody has to ask for addresses: a partition of one way stays one of one way.
            await Shell.Run(
                "ip", "-n", space, "neigh", "add", AddressOf(NumberOf(other)), "lladdr", HardwareAddressOf(other), "dev", "eth0", "nud", "permanent");
        }
    }

    private async Task Render()
    {
        await _rules.WaitAsync();
        try
        {
            List<(string From, string To)> ways;
            lock (_turn)
            {
                ways = [.. _cuts.SelectMany(cut => cut.Ways).Distinct()];
            }

            var rules = ways.Select(way =>
                $"add rule bridge {Table} forward ether saddr {HardwareAddressOf(way.From)} ether daddr {HardwareAddressOf(way.To)} drop");
            await Nft(string.Join("; ", [$"flush chain bridge {Table} forward", .. rules]));
        }
        finally
        {
            _rules.Release();
        }
    }

    private Task Nft(string script) => OnSwitch("nft", script);

    private int NumberOf(string host) => hosts.ToList().IndexOf(host) + 1;

    public string HardwareAddressOf(string host) => string.Create(CultureInfo.InvariantCulture, $"02:78:00:00:00:{NumberOf(host):x2}");

    /// <param name="Ways">From whom to whom nothing passes.</param>
    internal sealed record Cut(IReadOnlyList<(string From, string To)> Ways)
    {
        /// <summary>Two cuts of the same ways are two cuts.</summary>
        public bool Equals(Cut? other) => ReferenceEquals(this, other);

        public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);
    }
}
