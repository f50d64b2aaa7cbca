using ClusterFs.Demo.Processes;
using ClusterFs.Faults.Checking;
using ClusterFs.Faults.Rig;
using ClusterFs.Faults.Schedule;

namespace ClusterFs.Faults.Scenarios;

/// <param name="Duration">How long rounds begin.</param>
/// <param name="Seed">Draws the faults.</param>
/// <param name="Cluster">What is broken.</param>
/// <param name="ReportDirectory">Where a directory for this run is made.</param>
/// <param name="LogDirectory">Where all logs are copied to; null for only after a violation, beside the report.</param>
/// <param name="Sabotage">Whether a second writer is started that must be found.</param>
internal sealed record CampaignOptions(
    TimeSpan Duration, long Seed, FaultClusterOptions Cluster, string ReportDirectory, string? LogDirectory, bool Sabotage);

/// <summary>One campaign from the empty machine to the report.</summary>
internal static class CampaignRun
{
    /// <returns>The exit code: 0 without violation, otherwise 1.</returns>
    public static async Task<int> Run(CampaignOptions options, CancellationToken cancelled)
    {
        var progress = new Progress(Console.Out);
        var title = FormattableString.Invariant(
            $"Faults on {options.Cluster.Nodes} nodes for {options.Duration.TotalMinutes:0.#} minutes, seed {options.Seed}");
        progress.Say(title);
        var cluster = await RigTurn.Take(() => FaultCluster.Start(options.Cluster), progress.Say);
        progress.Say($"the rig is {cluster.Site.Mark.Cluster}");
        try
        {
            var nemesis = new Nemesis(options.Seed, options.Cluster.Nodes, cluster.Cluster.Options.Ttl);

            using var saboteur = options.Sabotage ? new Saboteur(cluster, progress) : null;
            await (saboteur?.Done ?? Task.CompletedTask).WaitAsync(cancelled);
            var evidence = await new Campaign(cluster, nemesis, progress, cancelled).Run(options.Duration);
            var verdict = Checker.Judge(evidence);
            var report = new CampaignReport(title, evidence, verdict, progress.Lines);
            var directory = Directory.CreateDirectory(Path.Combine(options.ReportDirectory, Name(options)));
            var file = Path.Combine(directory.FullName, "report.md");
            await File.WriteAllTextAsync(file, report.Full(), CancellationToken.None);
            Console.WriteLine();
            Console.Write(report.Summary());
            Console.WriteLine($"report: {file}");
            if (options.LogDirectory is not null || verdict.Violations.Count > 0)
            {
                await Logs.Copy(cluster, options.LogDirectory ?? Path.Combine(directory.FullName, "logs"));
            }

            return verdict.Violations.Count == 0 ? 0 : 1;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            await Logs.Copy(cluster, options.LogDirectory ?? Path.Combine(options.ReportDirectory, Name(options), "logs"));
            throw;
        }
        finally
        {
            await cluster.DisposeAsync();
        }
    }

    private static string Name(CampaignOptions options) =>
        FormattableString.Invariant($"{DateTime.UtcNow:yyyyMMdd-HHmmss}-{options.Cluster.Nodes}-nodes-seed-{options.Seed}");
}
