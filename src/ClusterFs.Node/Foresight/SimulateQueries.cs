using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Akka.Actor;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Guard.Addresses;
using ClusterFs.Node.Agents;
using ClusterFs.Node.Api;
using ClusterFs.Ownership.Messages;
using ClusterFs.Posix;

namespace ClusterFs.Node.Foresight;

/// <summary>
/// Answers why a service is where it is, and what would become of it: the ownership actor runs its own machine ahead, and what it cannot know, what would be
/// lost and what a takeover would start from, is what the nodes have said. Nothing is done. Thread-safe.
/// </summary>
internal sealed class SimulateQueries(Settings settings, NodeBoard board)
{
    private const string Stays = "stays";
    private const string Moves = "moves";
    private const string Stops = "stops";
    private const string Nobody = "nobody";
    private const string Unknown = "unknown";
    private const int AtOnce = 16;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SharedHorizon = TimeSpan.FromHours(1);

    private readonly ConcurrentDictionary<TimeSpan, SharedCourse> _courses = new();

    public async Task<Answer<ExplainReport>> ExplainAsync(string service, string? node)
    {
        if (!settings.Services.TryGetValue(service, out var known))
        {
            return Problem.NoService(settings, service);
        }

        if (node is not null && !settings.Cluster.Nodes.ContainsKey(node))
        {
            return Problem.NoNode(settings, node);
        }

        if (await board.AskOwnershipAsync<OwnershipExplained>(new ExplainOwnership(service), Patience).ConfigureAwait(false) is not { } explained)
        {
            return Problem.Of(
                StatusCodes.Status504GatewayTimeout,
                $"the ownership actor of {service} does not answer",
                "is the journal's database there, and a majority of the nodes? Is it on a node of an earlier version? See `clusterfs status`");
        }

        var nodes = explained.Nodes.Select(one => new NodeStandingReport(one.Node, one.Standing, one.Text));
        if (node is not null && !known.Nodes.Contains(node))
        {
            nodes = nodes.Append(new NodeStandingReport(node, "cannot", $"services.{service}.nodes does not name it"));
        }

        return new ExplainReport(service, [.. explained.Why], [.. nodes.Where(one => node is null || one.Node == node)])
        {
            Addresses = node is null || node == settings.Node.Name
                ? AddressPicture.Draw(known, settings.Node.Name, board.Find(service)?.Guard, AddressFitness.Look, MachineClock.Boottime)
                : [],
        };
    }

    /// <param name="kill">A node.</param>
    /// <param name="lose">database or shared.</param>
    public async Task<Answer<SimulateReport>> SimulateAsync(string? kill, string? lose)
    {
        if (kill is null == lose is null || lose is not (null or "database" or "shared"))
        {
            return Problem.Of(StatusCodes.Status400BadRequest, "it is not said what is to be lost", "kill=NODE, lose=database or lose=shared");
        }

        if (kill is not null && !settings.Cluster.Nodes.ContainsKey(kill))
        {
            return Problem.NoNode(settings, kill);
        }

        // A thousand at once would wait for each other until some are taken for silent.
        var services = new List<ForeseenService>();
        foreach (var some in settings.Services.Values.Chunk(AtOnce))
        {
            services.AddRange(await Task.WhenAll(some.Select(service => lose == "shared"
                ? LoseSharedAsync(service)
                : LoseAsync(service, kill, lose == "database"))).ConfigureAwait(false));
        }

        var what = kill is not null ? $"node {kill}" : lose == "database" ? "the journal's database" : "shared storage";
        return new SimulateReport(what, [.. services]);
    }

    private async Task<ForeseenService> LoseAsync(ServiceSettings service, string? kill, bool database)
    {
        // That it costs more is why it is asked once, like an order.
        var view = await board.AskOwnershipAsync<OwnershipView>(new GetOwnership(service.Name), Patience).ConfigureAwait(false);
        var foreseen = view is null
            ? null
            : await board.AskOwnershipAsync<OwnershipForeseen>(new ForeseeOwnership(service.Name, kill, database), Patience).ConfigureAwait(false);
        if (foreseen is null or { Problem: not null })
        {
            return new ForeseenService(
                service.Name, null, Unknown, null, null, null, null, null, [], [foreseen?.Problem ?? "its ownership actor does not answer, or is on a node of an earlier version"]);
        }

        var isOwnerLost = foreseen.OwnerIsLost || foreseen.StoppedAfterSeconds is not null;
        var outcome =
            foreseen.Owner is null ? foreseen.LeasedAfterSeconds is null ? Nobody : Moves
            : !isOwnerLost ? Stays
            : foreseen.LeasedAfterSeconds is null ? Stops : Moves;
        var sight = foreseen.Owner == kill ? view?.Sights.FirstOrDefault(one => one.Node == kill) : null;
        var notes = ImmutableArray.CreateBuilder<string>();
        if (foreseen.Owner is not null && foreseen.Owner == kill)
        {
            notes.Add(sight is { AtRiskKnown: true }
                ? Text($"what was written in the last {sight.AtRiskSeconds:0.0} s before {kill} was heard last would be lost with it, and kept as a divergent dump when it is back")
                : $"nobody knows what {kill} has written and not dumped");
        }

        if (outcome == Moves && foreseen.Next is { } next && foreseen.Owner != next)
        {
            notes.Add(TakeoverOn(next, view));
        }

        if (outcome == Moves && foreseen.Owner == service.Nodes[0] && service.Failback.Kind is FailbackKind.After or FailbackKind.Window)
        {
            notes.Add($"with failback = {service.Failback} it goes back to {foreseen.Owner} when that can have it again");
        }

        if (outcome == Moves && service.DependsOn.Length > 0)
        {
            notes.Add($"it is granted only while {string.Join(", ", service.DependsOn)} runs: where that is lost too, once that runs again");
        }

        if (outcome == Moves && service.Together.Length > 0)
        {
            notes.Add($"it is kept together with {string.Join(", ", service.Together.Where(other => other != service.Name))}: what is left elsewhere is moved to it, or it is moved to that");
        }

        if (view?.Paused == true && outcome is Stops or Nobody)
        {
            notes.Add($"it is paused: nothing is granted by itself until `clusterfs resume {service.Name}`");
        }

        if (foreseen.TakenForLost is { Length: > 0 } taken)
        {
            notes.Add($"nobody hears of {string.Join(", ", taken)}: taken for lost here, and if only the daemon is away there, its guard still votes and renews, and this is too dark");
        }

        if (outcome == Stops)
        {
            notes.Add("it would run nowhere until that is mended");
        }

        return new ForeseenService(
            service.Name, foreseen.Owner, outcome, foreseen.Next, foreseen.LeasedAfterSeconds, foreseen.StoppedAfterSeconds,
            sight is { AtRiskKnown: true } ? sight.AtRiskSeconds : null,
            sight is { AtRiskKnown: true } ? sight.AtRiskBytes : null,
            [.. foreseen.Steps.Select(step => new ForeseenMoment(step.AfterSeconds, step.Text))],
            notes.ToImmutable());
    }

    private async Task<ForeseenService> LoseSharedAsync(ServiceSettings service)
    {
        if (await ViewAsync(service.Name).ConfigureAwait(false) is not { } view)
        {
            return new ForeseenService(service.Name, null, Unknown, null, null, null, null, null, [], ["its ownership actor does not answer"]);
        }

        var course = _courses.GetOrAdd(service.Live.DumpEvery, dumpEvery => SharedCourse.Of(new AgentSettings(settings.Node.Name, service.Name, dumpEvery)));
        var notes = ImmutableArray.CreateBuilder<string>();
        if (view.Owner is not null)
        {
            notes.Add(course.OwnerStops is { } stops
                ? Text($"it would be stopped after {stops.TotalSeconds:0} s")
                : Text($"it goes on, and what is at risk grows for as long as storage is away: dumps that fail are tried again every {AgentRules.RetryAfter.TotalSeconds:0} s, one that hangs is waited for; a planned move or stop waits up to {AgentRules.HungDumpPatience.TotalMinutes:0} min for its last dump"));
        }

        notes.Add(course.TakerGivesUp is { } after
            ? Text($"no other node could start it meanwhile: where storage fails, one that is granted it gives it up after {AgentRules.TakeOverAttempts} attempts ({after.TotalSeconds:0} s) and stands back for {AgentRules.StandBackFor.TotalSeconds:0} s")
            : "no other node could start it meanwhile");
        notes.Add(course.TakerWaits
            ? "where storage hangs (an NFS mount that waits for its server), the one that is granted it keeps it and waits"
            : "where storage hangs, the one that is granted it gives it up as well");
        return new ForeseenService(
            service.Name, view.Owner, view.Owner is null ? Nobody : course.OwnerStops is null ? Stays : Stops, null, null, course.OwnerStops?.TotalSeconds, null, null, [],
            notes.ToImmutable());
    }

    /// <summary>As it is now where that can be had; what the agent heard last may be a minute old.</summary>
    private async Task<OwnershipView?> ViewAsync(string service) =>
        await board.AskOwnershipAsync<OwnershipView>(new GetOwnership(service), Patience).ConfigureAwait(false) ?? board.Find(service)?.View;

    private static string TakeoverOn(string node, OwnershipView? view)
    {
        var newest = view?.Sights.Select(sight => sight.LastDumpSlot).DefaultIfEmpty().Max() ?? 0;
        var sight = view?.Sights.FirstOrDefault(one => one.Node == node);
        var rehearsed = sight?.Rehearsal is { PassedSlot: > 0 } passed ? Text($"; a whole restore took {passed.PassedSeconds:0.0} s when it was rehearsed there") : "";
        return sight switch
        {
            { StandbyProblem: { } problem } => $"{node} has no current copy of it ({problem}): its content is restored{rehearsed}",
            { StandbySlot: > 0 } copy when copy.StandbySlot >= newest => $"{node} has a copy of the newest dump, which a rename puts in place{rehearsed}",
            { StandbySlot: > 0 } copy => Text($"{node} has a copy that is {newest - copy.StandbySlot} dump(s) behind, and reads what those changed{rehearsed}"),
            _ => $"{node} has no copy of it: its content is restored{rehearsed}",
        };
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>What agents with one interval between dumps would do without shared storage.</summary>
    private sealed record SharedCourse(TimeSpan? OwnerStops, TimeSpan? TakerGivesUp, bool TakerWaits)
    {
        public static SharedCourse Of(AgentSettings agent) => new(
            SharedLoss.OwnerStopsAfter(agent, hangs: false, SharedHorizon) ?? SharedLoss.OwnerStopsAfter(agent, hangs: true, SharedHorizon),
            SharedLoss.TakerGivesUpAfter(agent, hangs: false, SharedHorizon),
            SharedLoss.TakerGivesUpAfter(agent, hangs: true, SharedHorizon) is null);
    }
}
