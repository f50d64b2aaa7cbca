using ClusterFs.Configuration;
using ClusterFs.Posix;
using ClusterFs.Posix.Network;

namespace ClusterFs.Guard.Addresses;

/// <summary>Whether this node could have an address now.</summary>
/// <param name="Interface">Where it is, or would go; null where it could not.</param>
/// <param name="IsOn">A guard has put it on.</param>
/// <param name="Problem">Why it could not.</param>
public sealed record AddressFitness(string? Interface, bool IsOn, string? Problem)
{
    public static AddressFitness Look(FloatingAddress address)
    {
        try
        {
            var table = LinkTable.Read();
            var place = AddressRules.PlaceFor(address, table, LinkTable.RemembersProtocol);
            return new AddressFitness(place.Link?.Name, table.Addresses.Any(there => there.Address.Equals(address.Address)), place.Problem);
        }
        catch (PosixException e)
        {
            return new AddressFitness(null, false, e.Message);
        }
    }
}
