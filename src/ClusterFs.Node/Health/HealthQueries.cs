using Akka.Actor;
using ClusterFs.Configuration;
using ClusterFs.Guard;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Cluster;

namespace ClusterFs.Node.Health;

/// <summary>Answers the health routes by what is known already; only <see cref="LiveAsync"/> waits, for a second at most. Thread-safe.</summary>
internal sealed class HealthQueries(Settings settings, NodeBoard board, Membership membership)
{
    private static readonly TimeSpan LivePatience = TimeSpan.FromSeconds(1);

    /// <summary>Whether the actors still take turns.</summary>
    public async Task<Verdict> LiveAsync()
    {
        if (board.Agent is not { } agent)
        {
            return Verdict.No("not live", "the actors have not started yet");
        }

        try
        {
            await agent.Ask<Pong>(Ping.Instance, LivePatience).ConfigureAwait(false);
            return Verdict.Yes("live");
        }
        catch (Exception silence) when (silence is AskTimeoutException or TaskCanceledException)
        {
            return Verdict.No("not live", "the actors do not answer");
        }
    }

    public Verdict Ready() => HealthRules.Ready(settings.Node.Name, board.GuardProblem, board.Journal, board.Region is not null, membership.Look());

    public Verdict Owner(string service) => HealthRules.Owner(IsConfigured(service), Runs(service));

    public Verdict Standby(string service, IQueryCollection query) => HealthRules.ReadLag(query, out var maxLag)
        ?? HealthRules.Standby(
            IsConfigured(service), board.Find(service), Runs(service), maxLag, Membership.HasQuorum(membership.Look()), GuardClock.Now);

    /// <summary>Whether this node owns a service and runs it, by what its own guard said.</summary>
    public bool Runs(string service) => board.GuardProblem is null && HealthRules.Runs(board.Find(service)?.Guard, GuardClock.Now);

    private bool IsConfigured(string service) => settings.Services.ContainsKey(service);
}
