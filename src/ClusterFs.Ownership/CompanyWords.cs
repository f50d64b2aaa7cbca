using ClusterFs.Lease;
using ClusterFs.Lease.Ownership;

namespace ClusterFs.Ownership;

/// <summary>What people are told of the services that one depends on or is kept together with. Pure.</summary>
internal static class CompanyWords
{
    /// <summary>A line of `status`; null where there is nothing to be said.</summary>
    public static string? Tell(OwnershipState state, CompanyStanding? standing, Instant now) => standing switch
    {
        null => null,
        { With: var partner, Node: var node, Hindrance: var hindrance } => $"is kept together with {partner}, which is on {node}: " + hindrance switch
        {
            null or CompanyHindrance.Busy or CompanyHindrance.NotLongEnough => "goes there",
            CompanyHindrance.Paused => "does not go there while it is paused",
            CompanyHindrance.LeftAlone => "does not go there while it is left alone",
            CompanyHindrance.NodeUnfit => OwnershipMachine.ObstacleOf(state, node, now) is { } obstacle
                ? $"cannot go there: {OwnershipExplanation.Words(state, node, obstacle, now)}"
                : "goes there",
            CompanyHindrance.OthersUnfit => "does not go there, where not all that are kept together could be",
            CompanyHindrance.TriedLately => $"goes there when {FailbackWords.Span(CompanyRules.TryAgainAfter)} have passed since it last went after the others",
            CompanyHindrance.DidNotLast =>
                "does not go there by itself any more, because it did not stay there the last time: `clusterfs move` or `clusterfs resume` begins anew",
            var other => throw new ArgumentOutOfRangeException(nameof(standing), other, "unknown hindrance"),
        },
    };

    /// <summary>Why nothing is granted by itself: whom it waits for.</summary>
    public static string Waits(OwnershipState state)
    {
        var needed = state.Placement.Awaited.Where(state.Settings.Company.DependsOn.Contains).ToList();
        return needed.Count > 0
            ? $"waits for {string.Join(", ", needed)}, which it depends on, to run"
            : $"waits to hear where {string.Join(", ", state.Placement.Awaited)} is, which it is kept together with";
    }

    /// <summary>Sentences of `explain`.</summary>
    public static IEnumerable<string> Explain(OwnershipState state, CompanyStanding? standing, Instant now)
    {
        var company = state.Settings.Company;
        if (!company.DependsOn.IsEmpty)
        {
            yield return $"It depends on {string.Join(", ", company.DependsOn)}: it is started only while that runs, and runs on when that ends.";
        }

        if (!company.Together.IsEmpty)
        {
            yield return company.Together[0] == state.Settings.Service
                ? $"It leads {string.Join(", ", company.Together.Skip(1))}, which are kept on its node."
                : $"It is kept on the node of {company.Together[0]}.";
        }

        if (Tell(state, standing, now) is { } told)
        {
            yield return $"It {told}.";
        }
    }
}
