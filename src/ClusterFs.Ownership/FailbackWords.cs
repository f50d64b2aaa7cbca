using System.Globalization;
using ClusterFs.Lease;
using ClusterFs.Lease.Ownership;

namespace ClusterFs.Ownership;

/// <summary>What people are told of a service's way back to its preferred node. Pure.</summary>
internal static class FailbackWords
{
    /// <summary>A line of `status`; null where there is nothing to be said.</summary>
    /// <param name="decidedOn">The node whose clock a window goes by.</param>
    public static string? Tell(OwnershipState state, FailbackStanding? standing, string decidedOn, Instant now)
    {
        if (standing is not { To: var to })
        {
            return null;
        }

        var service = state.Settings.Service;
        var isManual = state.Settings.Failback.Mode == FailbackMode.Manual;
        return standing.Hindrance switch
        {
            null => $"goes back to {to} now",
            FailbackHindrance.NotAsked => $"can go back to {to}, the first of its nodes: `clusterfs move {service} --to {to}` when it suits",
            FailbackHindrance.NotRunning => null,
            FailbackHindrance.Paused when isManual => null,
            FailbackHindrance.Paused => $"does not go back to {to} while it is paused",
            FailbackHindrance.LeftAlone => $"does not go back to {to} while it is left alone",
            FailbackHindrance.DidNotLast =>
                $"does not go back to {to} by itself any more, because it did not stay up there the last time: `clusterfs move` or `clusterfs resume` begins anew",
            FailbackHindrance.NodeUnfit => $"{(isManual ? "can" : "will")} go back to {to} once that is fit for it: {Unfit(state, to, now)}",
            FailbackHindrance.NoCopy => $"{(isManual ? "can" : "will")} go back to {to} once that has a copy of its newest dump",
            FailbackHindrance.NoCompany =>
                $"{(isManual ? "can" : "will")} go back to {to} once that is fit for {string.Join(", ", state.Settings.Company.Together.Where(other => other != service))} too",
            FailbackHindrance.NotLongEnough => $"will go back to {to} in {Span(standing.In)}",
            FailbackHindrance.TriedLately => state.Record.Failback is { Outcome: UnaskedMoveOutcome.DidNotLast }
                ? $"did not stay on {to}, which is tried again in {Span(standing.In)}"
                : $"did not get back to {to}, which is tried again in {Span(standing.In)}",
            FailbackHindrance.OutOfWindow => string.Create(
                CultureInfo.InvariantCulture, $"will go back to {to} in {Span(standing.In)}, at {state.Settings.Failback.From:HH:mm} by the clock of {decidedOn}"),
            var other => throw new ArgumentOutOfRangeException(nameof(standing), other, "unknown hindrance"),
        };
    }

    /// <summary>Sentences of `explain`.</summary>
    public static IEnumerable<string> Explain(OwnershipState state, FailbackStanding? standing, Instant now)
    {
        var (settings, first) = (state.Settings, state.Settings.Nodes[0]);
        if (state.Record.OpenGrant is not { } grant || grant.Node == first)
        {
            yield break;
        }

        yield return (settings.Failback, standing) switch
        {
            ({ Mode: FailbackMode.Never }, _) =>
                $"It stays on {grant.Node}, though {first} comes first in services.{settings.Service}.nodes, because its failback is never.",
            (_, { Hindrance: FailbackHindrance.NotRunning }) => $"It does not go back to {first} while it is on its way elsewhere.",
            _ when Tell(state, standing, "whichever node decides", now) is { } told => $"It {told}.",
            _ => $"{first} comes first in services.{settings.Service}.nodes.",
        };
    }

    /// <summary>As exact as is of use.</summary>
    internal static string Span(TimeSpan? span) => (span ?? TimeSpan.Zero) switch
    {
        { TotalHours: >= 1 } hours => string.Create(CultureInfo.InvariantCulture, $"{(int)hours.TotalHours}h {hours.Minutes}m"),
        { TotalMinutes: >= 2 } some => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(some.TotalMinutes)}m"),
        var little => string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(little.TotalSeconds)}s"),
    };

    private static string Unfit(OwnershipState state, string node, Instant now) =>
        OwnershipMachine.ObstacleOf(state, node, now) is { } obstacle ? OwnershipExplanation.Words(state, node, obstacle, now) : "it is";
}
