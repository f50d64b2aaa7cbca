using System.Collections.Immutable;
using System.Diagnostics;
using ClusterFs.Configuration;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Guard;
using ClusterFs.Guard.Protocol;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Cluster;
using ClusterFs.Node.Health;
using ClusterFs.Node.Notifications;
using ClusterFs.Node.Rollouts;
using ClusterFs.Node.Seeded;
using ClusterFs.Node.Static;

namespace ClusterFs.Node.Metrics;

/// <summary>Looks at what this node knows. Waits for the guard alone, and not for long. Thread-safe.</summary>
internal sealed class SceneSource(
    Settings settings, NodeIdentity identity, NodeBoard board, Membership membership, HealthQueries health, LogKeeping logs, StaticKeeper published, ConfigKeeper config,
    SeededKeeper seeded, Notifier notifier)
    : IDisposable
{
    private static readonly TimeSpan GuardPatience = TimeSpan.FromMilliseconds(500);
    private static readonly string Version = typeof(SceneSource).Assembly.GetName().Version?.ToString(3) ?? "";

    private readonly GuardStatus _guard = new(settings.Node.GuardSocket);

    public async Task<Scene> LookAsync(CancellationToken cancellation)
    {
        var guard = board.GuardProblem is null ? await AskGuardAsync(cancellation).ConfigureAwait(false) : null;
        return new Scene(settings.Node.Name, Version)
        {
            IsReady = health.Ready().Status == StatusCodes.Status200OK,
            Members = membership.Look(),
            IsDrained = board.DrainedSince is not null,
            JournalAnswers = board.Journal?.Reachable,
            GuardAnswers = board.GuardProblem is null,
            CertificateExpires = identity.Tls?.Expires,
            Guard = guard,
            Process = LookAtProcess(),
            Notified = notifier.Figures,
            Services = [.. settings.Services.Keys.Select(Look).OfType<ServiceScene>()],
            Static = [.. published.Contents.Select(content => content.State)],
            Config = config.States,
            Seeded = seeded.States,
        };
    }

    public void Dispose() => _guard.Dispose();

    private static ProcessFigures LookAtProcess()
    {
        using var process = Process.GetCurrentProcess();
        return new ProcessFigures(Environment.WorkingSet, Environment.CpuUsage.TotalTime, process.StartTime);
    }

    /// <returns>Null where the service may not run here.</returns>
    private ServiceScene? Look(string service)
    {
        if (board.Find(service) is not { } seen)
        {
            return null;
        }

        var now = GuardClock.Now;
        return new ServiceScene(
            service,
            health.Runs(service),
            seen with { Sight = seen.Sight.Aged(now.LongestSince(seen.SightAt)) },
            seen.Guard is { OpenTenure: not null } guard ? guard.LeaseRemaining(now) : TimeSpan.Zero,
            [.. logs.Of(service)])
        {
            FreshView = seen.FreshView(now),
        };
    }

    private async Task<FiguresReply?> AskGuardAsync(CancellationToken cancellation)
    {
        try
        {
            return await _guard.GetFiguresAsync(GuardPatience, cancellation).ConfigureAwait(false);
        }
        catch (GuardUnreachableException)
        {
            return null;
        }
    }
}
