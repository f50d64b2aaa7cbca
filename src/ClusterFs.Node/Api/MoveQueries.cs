using System.Collections.Immutable;
using Akka.Actor;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Lease.Ownership;
using ClusterFs.Node.Agents;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Api;

/// <summary>
/// Planned moves that somebody asks for, of a service and of all that is kept together with it, one after the other. Each is its ownership actor's own: it
/// goes on when nobody waits for it any more. Thread-safe.
/// </summary>
internal sealed class MoveQueries(Settings settings, NodeBoard board, TimeProvider time)
{
    /// <summary>The ownership may be without a home: a new one takes some 5 s, and twice that on a busy machine. Somebody waits for the move, and not for this.</summary>
    private static readonly TimeSpan AskPatience = TimeSpan.FromSeconds(12);

    /// <summary>The ownership may recover first, and then wait for who it has not heard of.</summary>
    private static readonly TimeSpan BeginPatience = AskPatience + AskedMove.Patience;

    private static readonly TimeSpan LookPatience = TimeSpan.FromMilliseconds(700);
    private static readonly TimeSpan MovePatience = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(100);

    public async Task<Answer<MoveReport>> MoveAsync(string service, string to, CancellationToken cancellation)
    {
        if (!settings.Services.TryGetValue(service, out var known))
        {
            return Problem.NoService(settings, service);
        }

        if (!settings.Cluster.Nodes.ContainsKey(to))
        {
            return Problem.NoNode(settings, to);
        }

        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(MovePatience);
        ImmutableArray<string> all = known.Together.IsEmpty ? [service] : known.Together;
        var asked = time.GetTimestamp();
        OwnershipView?[] views;
        while (true)
        {
            views = await Task.WhenAll(all.Select(one => board.AskOwnershipAsync<OwnershipView>(new GetOwnership(one), AskPatience))).ConfigureAwait(false);
            if (all.FirstOrDefault(one => views[all.IndexOf(one)] is null) is { } silent)
            {
                return Problem.Silent(silent);
            }

            if (MoveRules.Hindrance(service, to, [.. views.Select(view => view!)]) is not { } hindrance)
            {
                break;
            }

            if (!hindrance.Passes || time.GetElapsedTime(asked) >= AskedMove.Patience || limit.IsCancellationRequested)
            {
                return hindrance.Problem;
            }

            await Task.Delay(LookAgainAfter, time, limit.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        MoveReport? report = null;
        var along = ImmutableArray.CreateBuilder<string>();
        foreach (var one in all)
        {
            if (one != service && views[all.IndexOf(one)] is { } view && (view.Owner is null || view.Owner == to))
            {
                continue;
            }

            var moved = await MoveOneAsync(one, to, limit.Token).ConfigureAwait(false);
            if (moved.Problem is not null)
            {
                return moved;
            }

            if (one == service)
            {
                report = moved.Value;
            }
            else
            {
                along.Add(one);
            }
        }

        return report! with { Along = along.ToImmutable() };
    }

    private async Task<Answer<MoveReport>> MoveOneAsync(string service, string to, CancellationToken limit)
    {
        var before = await board.AskOwnershipAsync<OwnershipView>(new GetOwnership(service), AskPatience).ConfigureAwait(false);
        if (before is null)
        {
            return Problem.Silent(service);
        }

        var begun = await board.AskOwnershipAsync<RequestAnswered>(new MoveService(service, to), BeginPatience).ConfigureAwait(false);
        if (begun is { Again: true })
        {
            // If it was begun, it is under way.
            begun = await board.AskOwnershipAsync<RequestAnswered>(new MoveService(service, to), BeginPatience).ConfigureAwait(false);
        }

        if (begun is null)
        {
            return Problem.Silent(service);
        }

        // It may have set out by itself, after what it is kept together with.
        if (!begun.Accepted && (await board.AskOwnershipAsync<OwnershipView>(new GetOwnership(service), AskPatience).ConfigureAwait(false) is not { } under
            || (under.Epoch == before.Epoch && under.MovingTo != to)))
        {
            return Problem.Of(StatusCodes.Status409Conflict, $"{service} is not moved to {to}: {begun.Message}", "see `clusterfs status`");
        }

        while (!limit.IsCancellationRequested)
        {
            var view = await board.AskOwnershipAsync<OwnershipView>(new GetOwnership(service), LookPatience).ConfigureAwait(false);
            if (view is { Stage: OwnershipStage.Owned, Reason: null } && view.Epoch > before.Epoch)
            {
                return Ended(service, before, view, to);
            }

            await Task.Delay(LookAgainAfter, time, limit).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return Problem.Of(StatusCodes.Status504GatewayTimeout, $"{service} does not run on {to} yet", "the move goes on; see `clusterfs status`");
    }

    private static Answer<MoveReport> Ended(string service, OwnershipView before, OwnershipView after, string to)
    {
        if (after.Owner != to)
        {
            return Problem.Of(
                StatusCodes.Status409Conflict,
                $"{service} went to {after.Owner} and not to {to}",
                $"nothing waited for it on {to} any more when it could have started there");
        }

        return after.FailedOver
            ? Problem.Of(
                StatusCodes.Status409Conflict,
                $"{service} runs on {to}, but {before.Owner} was lost before it had handed over: what it had not dumped is missing",
                $"it is kept when {before.Owner} is back: see `clusterfs divergent list {service}`")
            : new MoveReport(service, before.Owner, to, after.Epoch);
    }
}
