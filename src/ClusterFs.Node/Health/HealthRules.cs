using System.Collections.Immutable;
using System.Globalization;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Api;
using ClusterFs.Node.Cluster;
using ClusterFs.Node.Guards;
using ClusterFs.Ownership.Journal;

namespace ClusterFs.Node.Health;

/// <summary>What the health routes answer, by what this node knows. Pure.</summary>
internal static class HealthRules
{
    /// <summary>Whether this node could be granted a service now.</summary>
    /// <param name="guardProblem">Null when the guard answers.</param>
    /// <param name="journal">Null until somebody looked.</param>
    /// <param name="ownershipRuns">Whether the way to the ownership actors is open.</param>
    public static Verdict Ready(
        string node, string? guardProblem, JournalCondition? journal, bool ownershipRuns, ImmutableArray<MemberStatus> members)
    {
        var reasons = ImmutableArray.CreateBuilder<string>();
        if (guardProblem is not null)
        {
            reasons.Add($"the guard does not answer: {guardProblem}");
        }

        if (journal is null)
        {
            reasons.Add("nobody has looked at the journal's database yet");
        }
        else if (!journal.Reachable)
        {
            reasons.Add($"the journal's database does not answer: {journal.Problem}");
        }

        if (members.FirstOrDefault(member => member.Name == node) is not { Status: "up" } self)
        {
            reasons.Add($"it has not joined the cluster: its membership is {members.FirstOrDefault(member => member.Name == node)?.Status ?? "unknown"}");
        }
        else if (!Membership.HasQuorum(members))
        {
            var missing = members.Where(member => member is not { Status: "up", Reachable: true }).Select(member => member.Name);
            reasons.Add($"{self.Name} sees no majority of the nodes: without {string.Join(", ", missing)}");
        }

        if (!ownershipRuns)
        {
            reasons.Add("ownership has not started: it waits for the journal and for the cluster");
        }

        return reasons.Count == 0 ? Verdict.Yes("ready") : Verdict.No("not ready", reasons.ToImmutable());
    }

    /// <summary>Whether the guard said that the service runs, under a lease that has not ended since, however old that word is.</summary>
    public static bool Runs(GuardReport? guard, Instant now) => guard is { Phase: LeasePhase.Running } && guard.LeaseRemaining(now) > TimeSpan.Zero;

    /// <param name="runs">Whether it runs here, under a lease that is valid now.</param>
    public static Verdict Owner(bool isConfigured, bool runs) =>
        !isConfigured ? Verdict.Unknown("no such service")
        : runs ? Verdict.Yes("owner")
        : Verdict.No("not the owner");

    /// <summary>Whether this node has a copy of the service's newest dump, or of one that is hardly older.</summary>
    /// <param name="local">What this node's agent shows; null where the service may not run here.</param>
    /// <param name="maxLag">By how much the copy may be older than the newest dump that this node has heard of; null for any.</param>
    /// <param name="hasQuorum">What a node on its own has heard may be long out of date, and so may what an ownership actor said that is silent since.</param>
    public static Verdict Standby(bool isConfigured, ServiceSnapshot? local, bool runs, TimeSpan? maxLag, bool hasQuorum, Instant now)
    {
        if (!isConfigured)
        {
            return Verdict.Unknown("no such service");
        }

        if (local is null || runs || local.Guard?.OpenTenure is not null)
        {
            return Verdict.No("not a standby", local is null ? "the service may not run on this node" : "this node owns the service");
        }

        if (local.Sight.StandbyProblem is { } problem)
        {
            return Verdict.No("not a standby", problem);
        }

        if (StatusPicture.StandbyLag(local.Sight, StatusPicture.NewestDump(local.View, local)) is not { } lag)
        {
            return Verdict.No("not a standby", "there is no copy yet");
        }

        if (maxLag is not { } most)
        {
            return Verdict.Yes("standby");
        }

        return !hasQuorum ? Verdict.No("lags", "this node sees no majority of the nodes: how old its copy is cannot be told")
            : local.FreshView(now) is null ? Verdict.No("lags", "the ownership actor has not been heard of lately: how old the copy is cannot be told")
            : lag > most.TotalSeconds ? Verdict.No(
                "lags", string.Create(CultureInfo.InvariantCulture, $"its copy is {lag:0.###} s older than the newest dump, {Durations.Show(most)} are allowed"))
            : Verdict.Yes("standby");
    }

    /// <summary>Reads the query of <c>/standby/SERVICE</c>.</summary>
    /// <returns>What is wrong with it; null when nothing.</returns>
    public static Verdict? ReadLag(IQueryCollection query, out TimeSpan? maxLag)
    {
        maxLag = null;
        if (query.Keys.FirstOrDefault(key => key != "max-lag") is not null)
        {
            return Verdict.Misunderstood("the only parameter is max-lag");
        }

        if (!query.TryGetValue("max-lag", out var written))
        {
            return null;
        }

        if (written.Count != 1 || !Durations.TryParse(written[0] ?? "", out var lag) || lag < TimeSpan.Zero)
        {
            return Verdict.Misunderstood("max-lag is a duration, once: 500ms, 5s, 2m");
        }

        maxLag = lag;
        return null;
    }
}
