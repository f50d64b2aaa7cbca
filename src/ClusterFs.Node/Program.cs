using ClusterFs.Configuration;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Guard;
using ClusterFs.Node.Cluster;
using ClusterFs.Node.Content;
using ClusterFs.Node.Hosting;
using ClusterFs.Node.Rollouts;
using ClusterFs.Node.Seeded;
using ClusterFs.Node.Static;
using ClusterFs.Node.Tracing;
using ClusterFs.Posix;

const int failed = 1;
const int usage = 2;

IdleMemory.Prepare();
if (ParseArguments(args) is not { } path)
{
    Console.Error.WriteLine("usage: clusterfsd [--config FILE [--check-journal]]");
    return usage;
}

Settings settings;
NodeIdentity identity;
try
{
    // Who only asks after the journal wants nothing of shared storage, and changes nothing.
    var isStart = args is not [.., "--check-journal"];
    var loaded = ConfigurationLoader.Load(path, new LoadOptions { CheckPaths = isStart, KeepCopies = isStart });
    foreach (var warning in loaded.Warnings)
    {
        Console.Error.WriteLine($"warning: {warning}");
    }

    settings = loaded.Settings;
    if (!isStart)
    {
        return await JournalLook.SayAsync(settings, Console.Out).ConfigureAwait(false);
    }

    identity = new NodeIdentity(MutualTls.Load(settings));
}
catch (ConfigurationException mistakes)
{
    foreach (var mistake in mistakes.Errors)
    {
        Console.Error.WriteLine(mistake);
    }

    return usage;
}

try
{
    var state = Path.Combine(settings.Node.StateDirectory, "daemon");
    Durable.CreateDirectory(state);
    using var only = DirectoryLock.TryTake(state)
        ?? throw new NodeRefusedException($"another daemon of this node runs: it holds {state}; stop it first");
    return await RunAsync(settings, identity, new CleanEndMarker(state)).ConfigureAwait(false);
}
catch (Exception refusal) when (refusal is NodeRefusedException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"clusterfsd: {refusal.Message}");
    return failed;
}

static string? ParseArguments(string[] args) => args switch
{
    [] => ConfigurationLoader.DefaultPath,
    ["--config", var file] when file != "--check-journal" => file,
    ["--config", var file, "--check-journal"] => file,
    _ => null,
};

static async Task<int> RunAsync(Settings settings, NodeIdentity identity, CleanEndMarker marker)
{
    // Long enough for the others to have seen the old member go.
    var beforeRejoining = TimeSpan.FromSeconds(4);
    using var memory = new IdleMemory(TimeProvider.System);
    using var signals = new StopSignals();
    using var traces = TraceExport.Begin(settings);
    var contents = new ContentShelf(settings);
    using var logs = new LogKeeping(settings, TimeProvider.System);
    logs.Start();
    using var seeded = new SeededKeeper(settings, TimeProvider.System);
    using var config = new ConfigKeeper(settings, TimeProvider.System);
    using var published = new StaticKeeper(settings, TimeProvider.System);
    for (var number = 1; ; number++)
    {
        switch (await new NodeHost(settings, identity, contents, seeded, config, published, logs, marker, signals).RunAsync(new StartCount(number)).ConfigureAwait(false))
        {
            case NodeEnd.Asked:
                marker.EndedCleanly();
                return 0;
            case NodeEnd.AskedUnfinished:
                marker.EndedCleanly();
                return failed;
            case NodeEnd.Refused:
                return failed;
        }

        await Task.WhenAny(signals.First, Task.Delay(beforeRejoining)).ConfigureAwait(false);
        if (signals.First.IsCompleted && await signals.First.ConfigureAwait(false) == StopSignal.Leave)
        {
            marker.EndedCleanly();
            return 0;
        }
    }
}
