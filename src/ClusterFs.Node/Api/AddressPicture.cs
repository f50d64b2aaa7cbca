using System.Collections.Immutable;
using ClusterFs.Api;
using ClusterFs.Configuration;
using ClusterFs.Guard.Addresses;
using ClusterFs.Node.Guards;

namespace ClusterFs.Node.Api;

/// <summary>How the addresses of a service stand on this node: what its guard says, and what the kernel would say to one that is to come. Pure.</summary>
internal static class AddressPicture
{
    /// <param name="guard">Null where the guard does not answer, or the service may not run here.</param>
    /// <param name="fitness">Whether this node could have an address now.</param>
    /// <param name="boottime">This machine's clock, now.</param>
    public static ImmutableArray<AddressStandingReport> Draw(
        ServiceSettings service, string node, GuardReport? guard, Func<FloatingAddress, AddressFitness> fitness, TimeSpan boottime) =>
        [.. service.Addresses.Select(address => Standing(service, address, node, guard, fitness, boottime))];

    /// <returns>Null while they are not on, or nobody knows.</returns>
    public static double? OnForSeconds(GuardReport guard, TimeSpan boottime) =>
        guard.AddressesOnSince is { } since ? Math.Round(Math.Max(0, (boottime - since).TotalSeconds), 3) : null;

    private static AddressStandingReport Standing(
        ServiceSettings service, FloatingAddress address, string node, GuardReport? guard, Func<FloatingAddress, AddressFitness> fitness, TimeSpan boottime)
    {
        if (guard?.AddressesOn.FirstOrDefault(on => on.StartsWith($"{address} on ", StringComparison.Ordinal)) is { } there)
        {
            var link = there[$"{address} on ".Length..];
            if (!fitness(address).IsOn)
            {
                return Off(link, $"the guard says it is on {link}, and the kernel does not have it");
            }

            return new AddressStandingReport(address.ToString(), node, true, link, OnForSeconds(guard, boottime), $"{service.Name} runs here");
        }

        if (!service.Nodes.Contains(node))
        {
            return Off(null, $"services.{service.Name}.nodes does not name this node: it is never put on here");
        }

        if (guard?.AddressProblem is { } missing)
        {
            return Off(null, $"it is to be on, and cannot be: {missing}");
        }

        return fitness(address) switch
        {
            { Problem: { } problem } => Off(null, $"it could not be put on: {problem}"),
            { IsOn: true, Interface: var link } when guard is null => Off(link, $"the guard does not answer, and the kernel still has it on {link}, for no longer than the lease"),
            { IsOn: true, Interface: var link } => Off(link, $"it is on its way on or off {link}"),
            { Interface: var link } => Off(link, $"it goes on {link} when {service.Name} runs here"),
        };

        AddressStandingReport Off(string? link, string why) => new(address.ToString(), node, false, link, null, why);
    }
}
