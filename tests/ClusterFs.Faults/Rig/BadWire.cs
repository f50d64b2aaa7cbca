using ClusterFs.Demo;
using ClusterFs.Demo.Processes;
using ClusterFs.Faults.Schedule;

namespace ClusterFs.Faults.Rig;

/// <summary>A program between a host's cable and the bridge that loses, delays, doubles and reorders what passes.</summary>
internal sealed class BadWire
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly RigNetwork _network;
    private readonly string _host;
    private readonly LaunchedProcess _program;
    private readonly ProcessMark _mark;

    private BadWire(RigNetwork network, string host, LaunchedProcess program, ProcessMark mark)
    {
        _network = network;
        _host = host;
        _program = program;
        _mark = mark;
    }

    private string Inner => $"x-{_host}";

    private string HostSide => $"wa-{_host}";

    private string BridgeSide => $"wb-{_host}";

    public static async Task<BadWire> Insert(RigNetwork network, string host, Fault.BadLink link, string directory, ProcessMark mark)
    {
        var filter = string.Join(' ', Options(link));
        // The shell stays: dpipe starts a process group of its own, which the first process of a session may not.
        // wirefilter leaves its socket behind.
        File.Delete(Path.Combine(directory, $"wire-{host}"));
        var script = $"dpipe vde_plug tap://wa-{host} = wirefilter -M '{directory}/wire-{host}' {filter} = vde_plug tap://wb-{host}; :";
        var program = LaunchedProcess.Start(
            $"wire of {host}",
            Path.Combine(directory, $"wire-{host}.log"),
            directory,
            new Dictionary<string, string> { [ProcessMark.Variable] = mark.ValueFor(OwnerOf(host)) },
            [.. network.Enter(RigNames.Switch), "/bin/sh", "-c", script]);
        var wire = new BadWire(network, host, program, mark);
        await wire.Connect();
        return wire;
    }

    public async Task Remove()
    {
        await _network.OnSwitch("ip", "link", "set", RigNetwork.PortOf(_host), "master", "br0");
        await Eventually.True(
            $"no process of the wire of {_host} is left", Patience, () => LocalCluster.KillAll(_mark.ProcessesOf(OwnerOf(_host))));
        await _program.UntilExit(Patience);
        await _network.OnSwitch("ip", "link", "del", Inner);
    }

    private static string OwnerOf(string host) => $"wire-{host}";

    private static IEnumerable<string> Options(Fault.BadLink link)
    {
        if (link.LossPercent > 0)
        {
            yield return $"-l {link.LossPercent}";
        }

        if (link.Delay > TimeSpan.Zero || link.Jitter > TimeSpan.Zero)
        {
            yield return $"-d {(int)link.Delay.TotalMilliseconds}+{(int)link.Jitter.TotalMilliseconds}";
        }

        if (link.DuplicatePercent > 0)
        {
            yield return $"-D {link.DuplicatePercent}";
        }

        if (link.Reorder)
        {
            yield return "-N";
        }
    }

    private async Task Connect()
    {
        foreach (var side in (string[])[HostSide, BridgeSide])
        {
            await Eventually.Get(
                $"the wire's end {side} is there",
                Patience,
                async () => await Shell.TryRun([.. _network.Enter(RigNames.Switch), "ip", "link", "show", side]) ? side : null,
                () => LogTail.Of(_program.LogFile));
        }

        await _network.OnSwitch("ip", "link", "add", Inner, "type", "bridge");
        await _network.OnSwitch("ip", "link", "set", Inner, "up");
        await _network.OnSwitch("ip", "link", "set", HostSide, "master", Inner, "up");
        await _network.OnSwitch("ip", "link", "set", BridgeSide, "master", "br0", "up");
        await _network.OnSwitch("ip", "link", "set", RigNetwork.PortOf(_host), "master", Inner);
    }
}
