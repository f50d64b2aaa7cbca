using ClusterFs.Configuration;
using ClusterFs.Guard.Addresses;

namespace ClusterFs.Cli.Doctor;

/// <summary>Whether this node could have the addresses of the services that may run on it.</summary>
internal static class AddressCheck
{
    private const string Name = "addresses";

    public static Check Create(IReadOnlyList<ServiceSettings> services) => new(
        Name, "the kernel does not say what addresses there are", "dmesg", () => services.SelectMany(Look));

    public static Finding Judge(string service, FloatingAddress address, AddressFitness fitness) => fitness switch
    {
        { Problem: { } problem } => Finding.Failure(
            Name, problem, $"{service} cannot start on this node", $"set clusterfs.services.{service}.address.interface, or mend this node's network"),
        { IsOn: true } => Finding.Ok(Name, $"{address} of {service} is on {fitness.Interface}, for as long as {service} runs here"),
        _ => Finding.Ok(Name, $"{address} of {service} would go on {fitness.Interface}"),
    };

    private static IEnumerable<Finding> Look(ServiceSettings service) =>
        service.Addresses.Select(address => Judge(service.Name, address, AddressFitness.Look(address)));
}
