using System.Collections.Immutable;
using Akka.Actor;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Content.Logs.Links;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Cluster;
using ClusterFs.Node.Draining;
using ClusterFs.Node.Rollouts;
using ClusterFs.Node.Seeded;
using ClusterFs.Node.Static;
using ClusterFs.Guard;
using ClusterFs.Lease.Ownership;
using ClusterFs.Ownership.Messages;
using ClusterFs.Posix;
using HistoryEntry = ClusterFs.Api.HistoryEntry;

namespace ClusterFs.Node.Api;

/// <summary>Answers what the API is asked. Nothing waits for longer than it says; where an actor is silent, what this node knows has to do.</summary>
internal sealed class NodeQueries(
    Settings settings, NodeIdentity identity, NodeBoard board, Membership membership, SeededQueries seeded, ConfigQueries config, DrainQueries drains, StaticQueries published, LogKeeping logs)
{
    private static readonly TimeSpan StatusPatience = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan PlacementPatience = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan AskPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MeasuredPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan DumpPatience = TimeSpan.FromMinutes(5);

    public async Task<StatusReport> StatusAsync()
    {
        var (seededFiles, configFiles, statics, drained) = (seeded.TellAsync(), config.TellAsync(), published.TellAsync(), drains.DrainedAsync());
        var services = await Task.WhenAll(settings.Services.Values.Select(StatusAsync)).ConfigureAwait(false);
        var files = await seededFiles.ConfigureAwait(false);
        var configs = await configFiles.ConfigureAwait(false);
        var served = await statics.ConfigureAwait(false);
        return new StatusReport(
            settings.Node.Name,
            ClusterStatus(await drained.ConfigureAwait(false)),
            new SelfStatus(board.GuardProblem is null, board.GuardProblem, null, false) { CertificateExpires = identity.Tls?.Expires },
            [.. services.Select(service => service with { Seeded = [.. files[service.Name]], Config = [.. configs[service.Name]], Static = [.. served[service.Name]] })]);
    }

    public async Task<Answer<HistoryReport>> HistoryAsync(string service)
    {
        if (Unknown(service) is { } unknown)
        {
            return unknown;
        }

        var plain = await board.AskOwnershipAsync<OwnershipHistory>(new GetHistory(service), AskPatience).ConfigureAwait(false);
        if (plain is null)
        {
            return Problem.Silent(service);
        }

        // Where the ownership actor is on a node of an earlier version, only the plain one is to be had.
        var measured = await board.AskOwnershipAsync<MeasuredHistory>(new GetMeasuredHistory(service), MeasuredPatience).ConfigureAwait(false);
        var entries = measured?.Entries ?? [.. plain.Entries.Select(entry => new MeasuredEntry(entry))];
        return new HistoryReport(service, [.. entries.Select(one =>
            new HistoryEntry(one.Entry.At, one.Entry.Kind, one.Entry.Epoch == 0 ? null : one.Entry.Epoch, one.Entry.Node, one.Entry.Text)
            {
                Cause = one.Cause,
                DurationSeconds = one.DurationSeconds,
                LostSeconds = one.LostSeconds,
                LostBytes = one.LostBytes,
            })]);
    }

    public async Task<Answer<PauseReport>> PauseAsync(string service, bool pause)
    {
        if (Unknown(service) is { } unknown)
        {
            return unknown;
        }

        // While the shard moves, as it does after a move of the service, an order may be lost, and a question is asked again.
        if (await board.AskOwnershipAsync<OwnershipView>(new GetOwnership(service), AskPatience).ConfigureAwait(false) is null)
        {
            return Problem.Silent(service);
        }

        var answer = await board.AskOwnershipAsync<RequestAnswered>(new PauseService(service, pause), AskPatience).ConfigureAwait(false);
        if (answer is { Again: true })
        {
            answer = await board.AskOwnershipAsync<RequestAnswered>(new PauseService(service, pause), AskPatience).ConfigureAwait(false);
        }

        return answer is null ? Problem.Silent(service)
            : answer.Accepted ? new PauseReport(service, pause, answer.Message)
            : Problem.Of(StatusCodes.Status409Conflict, $"{service} is not {(pause ? "paused" : "resumed")}: {answer.Message}", null);
    }

    public async Task<Answer<DumpReport>> DumpAsync(string service, CancellationToken cancellation)
    {
        if (Unknown(service) is { } unknown)
        {
            return unknown;
        }

        DumpNowAnswered answer;
        try
        {
            answer = await board.Agent.Ask<DumpNowAnswered>(new DumpNow(service), DumpPatience, cancellation).ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is AskTimeoutException or OperationCanceledException)
        {
            return Problem.Of(StatusCodes.Status504GatewayTimeout, $"the dump of {service} is not done yet", "is shared storage there? See `clusterfs status`");
        }

        if (answer.Refused is { } refused)
        {
            var owner = board.Owners.Of(service);
            return Problem.Of(
                StatusCodes.Status409Conflict,
                $"{service} is not dumped: {refused}",
                owner is null ? "it has no owner" : $"it runs on {owner}: ask there");
        }

        return answer.Result switch
        {
            { Outcome: WorkOutcome.Done, Newest: { } newest } done => new DumpReport(
                service, new DumpPoint(newest.Epoch, newest.Slot, newest.At, newest.Bytes), done.AddedBytes, done.Guarantee) { Warning = done.Warning },
            { Outcome: WorkOutcome.Superseded } superseded => Problem.Of(
                StatusCodes.Status409Conflict, $"{service} is not dumped: {superseded.Explanation}", null),
            var failed => Problem.Of(
                StatusCodes.Status500InternalServerError, $"the dump of {service} failed: {failed?.Problem}", "it will be tried again by itself"),
        };
    }

    private async Task<ServiceStatus> StatusAsync(ServiceSettings service)
    {
        // A daemon of an earlier version has no answer to the second.
        var asked = board.AskOwnershipAsync<PlacementTold>(new GetPlacement(service.Name), PlacementPatience);
        var fresh = await board.AskOwnershipAsync<OwnershipView>(new GetOwnership(service.Name), StatusPatience).ConfigureAwait(false);
        var placement = await asked.ConfigureAwait(false);
        var local = board.Find(service.Name) is { } seen
            ? seen with { Sight = seen.Sight.Aged(GuardClock.Now.LongestSince(seen.SightAt)) }
            : null;
        var status = StatusPicture.Draw(
            service.Name,
            settings.Node.Name,
            fresh ?? local?.View,
            fresh is not null,
            local,
            service.Live.Capture.ToString().ToLowerInvariant(),
            ReportPace.Of(settings.Services.Count).Counts);
        return status with
        {
            Phase = status.Phase is { } phase && local?.Guard is { } guard
                ? phase with { AddressesOnForSeconds = AddressPicture.OnForSeconds(guard, MachineClock.Boottime) }
                : status.Phase,
            Failback = placement?.GoesBackTo is { } preferred ? new FailbackStatus(service.Failback.ToString(), preferred, placement.InSeconds) : null,
            Placement = [.. placement?.Notes ?? []],
            Addresses = [.. service.Addresses.Select(address => address.ToString())],
            Logs = [.. logs.Of(service.Name).Select(StatusOf)],
        };
    }

    private static LogsStatus StatusOf(LogLinkState link) => new(
        link.Link,
        link.Go switch
        {
            LogsGo.ToShared => "shared",
            LogsGo.ToSpool => "spool",
            _ => "unlinked",
        },
        link.Since,
        link.WaitingBytes)
    {
        StillOpen = link.StillOpen,
        Problem = link.Problem,
    };

    private ClusterStatus ClusterStatus(ImmutableDictionary<string, DateTimeOffset> drained)
    {
        ImmutableArray<MemberStatus> members =
        [
            .. membership.Look().Select(member => drained.TryGetValue(member.Name, out var since) ? member with { DrainedSince = since } : member),
        ];
        return new ClusterStatus(Membership.HasQuorum(members), members, [.. settings.Cluster.Voters])
        {
            Journal = board.Journal is { } journal ? new JournalStatus(journal.Reachable, journal.Since, journal.Problem) : null,
        };
    }

    private Problem? Unknown(string service) => settings.Services.ContainsKey(service)
        ? null
        : Problem.NoService(settings, service);
}
