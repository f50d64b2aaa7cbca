using System.Collections.Immutable;
using System.Text;
using ClusterFs.Archive.Capture;
using ClusterFs.Configuration;
using ClusterFs.Ownership;

namespace ClusterFs.Node.Fencing;

/// <summary>
/// Runs a fence agent: options as lines of its standard input, exit code 0 for success. Anything else, silence included, is a failure.
/// </summary>
internal sealed class FenceCommand(FenceSettings settings, ILogger logger)
{
    /// <param name="node">The node whose power is to be cut.</param>
    public async Task<FenceResult> RunAsync(string node)
    {
        var result = await TryAsync(node).ConfigureAwait(false);
        if (result.Succeeded)
        {
            logger.Fenced(node, result.Outcome);
        }
        else
        {
            logger.FenceFailed(node, result.Outcome);
        }

        return result;
    }

    /// <summary>What the agent reads. The node's name stands for its plug where the configuration names none.</summary>
    internal static string OptionsFor(FenceSettings settings, string node)
    {
        var options = settings.Nodes.GetValueOrDefault(node, ImmutableSortedDictionary<string, string>.Empty);
        var lines = new List<string> { $"action={(settings.Action == FenceAction.Off ? "off" : "reboot")}", $"nodename={node}" };
        if (!options.ContainsKey("plug") && !options.ContainsKey("port"))
        {
            lines.Add($"plug={node}");
        }

        lines.AddRange(options.Select(option => $"{option.Key}={option.Value}"));
        return string.Concat(lines.Select(line => $"{line}\n"));
    }

    /// <summary>On a thread of its own, which waits for it. What the agent leaves running may hold its output open; its exit code says all that counts.</summary>
    private Task<FenceResult> TryAsync(string node) => Task.Factory.StartNew(
        () =>
        {
            var outcome = new BoundedCommand([settings.Command], "/", Guid.NewGuid().ToString("N"), [])
                .Run(settings.Timeout, CancellationToken.None, Encoding.UTF8.GetBytes(OptionsFor(settings, node)));
            return outcome.InputRefused
                ? new FenceResult(false, $"it did not read whom to fence; {outcome.Words}")
                : new FenceResult(outcome.Succeeded, outcome.Words);
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);
}
