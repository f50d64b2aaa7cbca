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
    /// <returns>Null where nothing stands in the way; whether it may be gone in a moment: an ownership that has just begun has not heard everybody yet.</returns>
    public static (Problem Problem, bool Passes)? Hindrance(string service, string to, ImmutableArray<OwnershipView> views)
    {
        if (views.Length == 1)
        {
            return null;
        }

        var (other, why, passes) = views
            .Select(view => (view.Service, Found: Hindrance(view, to, isNamed: view.Service == service)))
            .Where(one => one.Found is not null)
            .Select(one => (one.Service, one.Found!.Value.Why, one.Found.Value.Passes))
            .OrderBy(one => one.Passes)
            .ThenByDescending(one => one.Service == service)
            .FirstOrDefault();
        return why is null
            ? null
            : (Problem.Of(
                StatusCodes.Status409Conflict,
                other == service ? $"{service} is not moved to {to}: {why}" : $"{service} is not moved to {to}: {other}, which it is kept together with, {why}",
                $"nothing was moved; see `clusterfs explain {other} {to}`"),
                passes);
    }

    private static (string Why, bool Passes)? Hindrance(OwnershipView view, string to, bool isNamed) => view switch
    {
        { MovingTo: { } target } when target != to || isNamed => ($"is being moved to {target}", false),
        { Owner: null } => isNamed ? ("has no owner at the moment", false) : null,
        { Owner: var owner } when owner == to => isNamed ? ($"is on {to} already", false) : null,
        _ when !view.Candidates.Contains(to) => ("cannot be there", true),
        { Stage: not OwnershipStage.Owned } or { Reason: not null } => ($"does not run on {view.Owner}, as far as is known", true),
        _ => null,
    };
}
