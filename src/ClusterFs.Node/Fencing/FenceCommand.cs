using System.Collections.Immutable;
using System.ComponentModel;
using System.Diagnostics;
using ClusterFs.Configuration;
using ClusterFs.Ownership;

namespace ClusterFs.Node.Fencing;

/// <summary>
/// Runs a fence agent: options as lines of its standard input, exit code 0 for success. Anything else, silence included, is a failure.
/// </summary>
internal sealed class FenceCommand(FenceSettings settings, ILogger logger)
{
    private const int LongestOutcome = 300;

    private static readonly TimeSpan ReadPatience = TimeSpan.FromSeconds(1);

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

    private async Task<FenceResult> TryAsync(string node)
    {
        using var limit = new CancellationTokenSource(settings.Timeout);
        Process? process = null;
        try
        {
            process = Process.Start(new ProcessStartInfo(settings.Command)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            await process.StandardInput.WriteAsync(OptionsFor(settings, node).AsMemory(), limit.Token).ConfigureAwait(false);
            process.StandardInput.Close();
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);

            // What it left running may hold its output open; its exit code says all that counts.
            var words = await WordsOfAsync(output).ConfigureAwait(false);
            return new FenceResult(process.ExitCode == 0, $"exit code {process.ExitCode}{words}");
        }
        catch (OperationCanceledException)
        {
            Kill(process);
            return new FenceResult(false, $"no end after {settings.Timeout.TotalSeconds:0.#} s");
        }
        catch (Exception problem) when (problem is Win32Exception or IOException or InvalidOperationException)
        {
            Kill(process);
            return new FenceResult(false, problem.Message);
        }
        finally
        {
            process?.Dispose();
        }
    }

    /// <summary>What cannot be killed changes nothing of what is known: the agent has not said that it succeeded.</summary>
    private static void Kill(Process? process)
    {
        try
        {
            process?.Kill(entireProcessTree: true);
        }
        catch (Exception problem) when (problem is Win32Exception or InvalidOperationException or AggregateException)
        {
            // It has ended meanwhile, or part of it is out of reach.
        }
    }

    private static async Task<string> WordsOfAsync(Task<string[]> output)
    {
        await Task.WhenAny(output, Task.Delay(ReadPatience)).ConfigureAwait(false);
        var words = output.IsCompletedSuccessfully ? string.Join(' ', await output.ConfigureAwait(false)).ReplaceLineEndings(" ").Trim() : "";
        return words.Length == 0 ? "" : $": {(words.Length > LongestOutcome ? words[..LongestOutcome] : words)}";
    }
}
