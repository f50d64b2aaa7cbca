using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Seeded;

/// <summary>What a node does with its seeded files when it is asked, by whichever node.</summary>
internal static class SeededWork
{
    private static readonly TimeSpan LookPatience = TimeSpan.FromSeconds(20);

    /// <summary>How long a task may take, with all checks and reloads.</summary>
    public static TimeSpan PatienceFor(Settings settings, AskSeeded asked) => asked.Task == SeededTask.Render
        ? LookPatience + settings.Services.Values
            .Where(service => asked.Service is null || service.Name == asked.Service)
            .SelectMany(service => service.Seeded)
            .Aggregate(TimeSpan.Zero, (sum, file) => sum + (file.Check is null ? TimeSpan.Zero : file.CheckTimeout) + (file.Reload is null ? TimeSpan.Zero : file.ReloadTimeout))
        : LookPatience;

    /// <summary>Does it and says how the files are; throws nothing.</summary>
    public static async Task<SeededNodeReport> DoAsync(Settings settings, SeededKeeper keeper, AskSeeded asked)
    {
        var node = settings.Node.Name;
        try
        {
            var patience = PatienceFor(settings, asked);
            switch (asked.Task)
            {
                case SeededTask.Compare:
                    var differences = await keeper.CompareAsync(asked.Service, patience).ConfigureAwait(false);
                    return SeededPicture.Draw(node, keeper.States, asked.Service, differences);
                case SeededTask.Render:
                    var states = await keeper.RenderAsync(asked.Service, patience).ConfigureAwait(false);
                    var report = SeededPicture.Draw(node, states, asked.Service, []);
                    return report with { Files = [.. report.Files.Select(file => file with { Failed = file.File.State != SeededFileState.Current })] };
                default:
                    return SeededPicture.Draw(node, keeper.States, asked.Service, []);
            }
        }
        catch (Exception problem) when (problem is TimeoutException or OperationCanceledException)
        {
            return SeededPicture.Silent(settings, node, asked.Service, problem is TimeoutException ? problem.Message : "the daemon ends");
        }
#pragma warning disable CA1031 // Whoever asked waits for an answer.
        catch (Exception mistake)
#pragma warning restore CA1031
        {
            return SeededPicture.Silent(settings, node, asked.Service, mistake.Message);
        }
    }
}
