using System.Collections.Immutable;
using System.Text.Json;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Rollouts;

/// <summary>What a node does with its config files when it is asked, by whichever node.</summary>
internal static class ConfigWork
{
    /// <summary>For a look at shared storage, and the wait for a source to stay as it is.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>Does it and says what came of it, as the local API writes it; throws nothing.</summary>
    public static async Task<string> DoAsync(Settings settings, ConfigKeeper keeper, AskConfig asked)
    {
        if (asked.Task == ConfigTask.Apply)
        {
            return JsonSerializer.Serialize(await ApplyAsync(settings, keeper, asked.Service).ConfigureAwait(false), ApiJson.Default.ConfigApplyReport);
        }

        return ConfigPicture.Write(await ReportAsync(settings, keeper, asked).ConfigureAwait(false));
    }

    /// <summary>How the files are, or how they would be; throws nothing.</summary>
    public static async Task<ConfigNodeReport> ReportAsync(Settings settings, ConfigKeeper keeper, AskConfig asked)
    {
        var node = settings.Node.Name;
        try
        {
            var differences = asked.Task == ConfigTask.Compare ? await keeper.CompareAsync(asked.Service, Patience).ConfigureAwait(false) : [];
            return ConfigPicture.Draw(node, keeper.States, asked.Service, differences);
        }
        catch (Exception problem) when (problem is TimeoutException or OperationCanceledException)
        {
            return ConfigPicture.Silent(settings, node, asked.Service, problem is TimeoutException ? problem.Message : "the daemon ends");
        }
#pragma warning disable CA1031 // Whoever asked waits for an answer.
        catch (Exception mistake)
#pragma warning restore CA1031
        {
            return ConfigPicture.Silent(settings, node, asked.Service, mistake.Message);
        }
    }

    /// <summary>Begins roll-outs; throws nothing.</summary>
    public static async Task<ConfigApplyReport> ApplyAsync(Settings settings, ConfigKeeper keeper, string? service)
    {
        try
        {
            var begun = await keeper.ApplyAsync(service, Patience).ConfigureAwait(false);
            return new ConfigApplyReport([.. begun.Select(one => new ConfigApplied(one.Service, one.Name, one.Number, one.Problem))]);
        }
#pragma warning disable CA1031 // Whoever asked waits for an answer.
        catch (Exception problem)
#pragma warning restore CA1031
        {
            return Failed(settings, service, problem is OperationCanceledException ? "the daemon ends" : problem.Message);
        }
    }

    /// <summary>None of them has begun.</summary>
    public static ConfigApplyReport Failed(Settings settings, string? service, string problem) => new(
    [
        .. settings.Services.Values.Where(one => service is null || one.Name == service)
            .SelectMany(one => one.Config.Select(file => new ConfigApplied(one.Name, file.Name, 0, problem))),
    ]);
}
