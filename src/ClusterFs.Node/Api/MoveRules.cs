using System.Collections.Immutable;
using ClusterFs.Ownership.Messages;

namespace ClusterFs.Node.Api;

/// <summary>
/// Whether a service can be moved together with those that it is kept with: pure. One that goes alone is left to its ownership, which knows best; but where
/// another would be stopped for it first, all that can be known is asked before.
/// </summary>
internal static class MoveRules
{
    /// <param name="views">Of the service and of all that it is kept together with, as their ownerships see it now.</param>
    /// <returns>Null where nothing stands in the way.</returns>
    public static Problem? Hindrance(string service, string to, ImmutableArray<OwnershipView> views)
    {
        if (views.Length == 1)
        {
            return null;
        }

        var (other, why) = views.OrderByDescending(view => view.Service == service)
            .Select(view => (view.Service, Why: Hindrance(view, to, isNamed: view.Service == service)))
            .FirstOrDefault(one => one.Why is not null);
        return why is null
            ? null
            : Problem.Of(
                StatusCodes.Status409Conflict,
                other == service ? $"{service} is not moved to {to}: {why}" : $"{service} is not moved to {to}: {other}, which it is kept together with, {why}",
                $"nothing was moved; see `clusterfs explain {other} {to}`");
    }

    private static string? Hindrance(OwnershipView view, string to, bool isNamed) => view switch
    {
        { MovingTo: { } target } when target != to || isNamed => $"is being moved to {target}",
        { Owner: null } => isNamed ? "has no owner at the moment" : null,
        { Owner: var owner } when owner == to => isNamed ? $"is on {to} already" : null,
        _ when !view.Candidates.Contains(to) => "cannot be there",
        { Stage: not OwnershipStage.Owned } or { Reason: not null } => $"does not run on {view.Owner}, as far as is known",
        _ => null,
    };
}
