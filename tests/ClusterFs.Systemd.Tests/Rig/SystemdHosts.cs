using ClusterFs.Demo;
using ClusterFs.Demo.Processes;

namespace ClusterFs.Systemd.Tests.Rig;

/// <summary>Servers with systemd on this machine; see hosts.sh. Gone when disposed of.</summary>
internal sealed class SystemdHosts : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly Dictionary<string, string> NoVariables = [];

    private static int _rigs;

    /// <summary>What one rig may leave behind is in the way of no other.</summary>
    private readonly string _name = $"cfs{Environment.ProcessId}-{Interlocked.Increment(ref _rigs)}";

    /// <summary>What all hosts see as /common, and no host's end changes.</summary>
    public string Common => $"/run/clusterfs-systemd/{_name}/common";

    /// <exception cref="ConditionNotMetException">They do not come up; nothing is left behind.</exception>
    public static async Task<SystemdHosts> Boot(params string[] names)
    {
        var hosts = new SystemdHosts();
        try
        {
            (await hosts.Tell(["up", .. names])).Successful();
            return hosts;
        }
        catch
        {
            _ = await hosts.TakeDown();
            throw;
        }
    }

    /// <returns>How a shell script ended on a host.</returns>
    public Task<CommandResult> Try(string host, string script) => Tell(["exec", host, "/bin/bash", "-ec", script]);

    /// <returns>What it wrote to its output.</returns>
    /// <exception cref="ConditionNotMetException">It failed.</exception>
    public async Task<string> Run(string host, string script)
    {
        var result = await Try(host, script);
        result.Successful();
        return result.Output.Trim();
    }

    /// <summary>Every process of the host is killed at once.</summary>
    public async Task CutPower(string host) => (await Tell(["cut", host])).Successful();

    public async Task UntilOff(string host) => (await Tell(["wait", host])).Successful();

    public async Task SwitchOn(string host) => (await Tell(["boot", host])).Successful();

    public async Task Isolate(string host) => (await Tell(["isolate", host])).Successful();

    public async Task Rejoin(string host) => (await Tell(["rejoin", host])).Successful();

    /// <summary>For when something worse is to be told than that this failed.</summary>
    public Task<CommandResult> TakeDown() => Tell(["down"]);

    /// <exception cref="ConditionNotMetException">Something is left behind.</exception>
    public async ValueTask DisposeAsync() => (await TakeDown()).Successful();

    private Task<CommandResult> Tell(IReadOnlyList<string> words) =>
        Command.Run([Path.Combine(AppContext.BaseDirectory, "Rig", "hosts.sh"), _name, .. words], NoVariables, Patience);
}
