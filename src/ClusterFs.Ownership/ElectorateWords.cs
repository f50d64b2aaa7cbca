using ClusterFs.Lease.Ownership;

namespace ClusterFs.Ownership;

/// <summary>What people are told while the votes that keep a service's lease are not those that are configured. Pure.</summary>
internal static class ElectorateWords
{
    /// <summary>A line of `status`; null where there is nothing to be said.</summary>
    public static string? Tell(OwnershipState state) =>
        state.Record.OpenGrant is { } grant && !grant.Voters.SetEquals(state.Settings.Voters)
            ? $"has its lease by the votes of {string.Join(", ", grant.Voters)}, and has it by those of {string.Join(", ", state.Settings.Voters)} from its next move on"
            : null;
}
