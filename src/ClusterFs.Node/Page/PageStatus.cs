using System.Collections.Immutable;
using ClusterFs.Api;

namespace ClusterFs.Node.Page;

/// <summary>What the page draws of a <see cref="StatusReport"/>, and nothing besides: whoever reaches the port gets it.</summary>
internal sealed record PageStatus(string Node, PageCluster Cluster, PageSelf Self, ImmutableArray<PageService> Services)
{
    /// <summary>Instead of words that are not ours.</summary>
    public const string Untold = "see 'clusterfs status'";

    /// <param name="told">
    /// Whether who asks has the token. What hooks, checks and the database said may hold what they should not have said (a connection string, a path, a
    /// user's name), so nobody else is told.
    /// </param>
    public static PageStatus Of(StatusReport report, bool told)
    {
        string? Words(string? words) => words is null || told ? words : Untold;

        var (cluster, self) = (report.Cluster, report.Self);
        return new PageStatus(
            report.Node,
            new PageCluster(
                cluster.Quorum, [.. cluster.Members.Select(member => new PageMember(member.Name, member.Status, member.Reachable))], cluster.Voters,
                cluster.Journal is { } journal ? new JournalStatus(journal.Reachable, journal.Since, Words(journal.Problem)) : null),
            new PageSelf(self.GuardAttached, Words(self.GuardError), self.CertificateExpires),
            [.. report.Services.Select(service => Of(service, Words))]);
    }

    private static PageService Of(ServiceStatus service, Func<string?, string?> words) => new(
        service.Name, service.State, service.Owner, service.Epoch, service.LeaseRemainingMs, service.LastDump, service.AtRisk, service.Divergent, service.Paused,
        service.Damped, words(service.Reason),
        service.Phase is { } phase ? new PagePhase(phase.Frozen) : null,
        service.Dump is { } dump ? new PageDump(dump.Ok, words(dump.Error), words(dump.Warning)) : null,
        [.. service.Standbys.Select(one => new PageStandby(one.Node, one.LagSeconds, words(one.Problem)))],
        [.. service.Rehearsals.Select(one => new PageRehearsal(one.Node, one.At, one.Seconds, one.Hangs, words(one.Problem)))],
        [.. service.Logs.Select(one => new PageLogs(one.Goes, words(one.Problem)))]);
}

internal sealed record PageCluster(bool Quorum, ImmutableArray<PageMember> Members, ImmutableArray<string> Voters, JournalStatus? Journal);

internal sealed record PageMember(string Name, string Status, bool Reachable);

internal sealed record PageSelf(bool GuardAttached, string? GuardError, DateTimeOffset? CertificateExpires);

internal sealed record PageService(
    string Name,
    ServiceState State,
    string? Owner,
    long Epoch,
    long? LeaseRemainingMs,
    DumpPoint? LastDump,
    RiskStatus? AtRisk,
    int Divergent,
    bool Paused,
    bool Damped,
    string? Reason,
    PagePhase? Phase,
    PageDump? Dump,
    ImmutableArray<PageStandby> Standbys,
    ImmutableArray<PageRehearsal> Rehearsals,
    ImmutableArray<PageLogs> Logs);

internal sealed record PagePhase(bool Frozen);

internal sealed record PageDump(bool Ok, string? Error, string? Warning);

internal sealed record PageStandby(string Node, double? LagSeconds, string? Problem);

internal sealed record PageRehearsal(string Node, DateTimeOffset? At, double? Seconds, bool Hangs, string? Problem);

internal sealed record PageLogs(string Goes, string? Problem);
