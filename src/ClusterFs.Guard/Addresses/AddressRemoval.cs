using System.Net;
using ClusterFs.Posix;
using ClusterFs.Posix.Network;

namespace ClusterFs.Guard.Addresses;

/// <summary>Takes off what ClusterFs put on: for whoever knows the address alone, because whoever put it on is dead or stands still.</summary>
internal static class AddressRemoval
{
    /// <returns>Why one of them may still be there; null when none is.</returns>
    public static string? TryTakeOff(IReadOnlyCollection<IPAddress> addresses)
    {
        try
        {
            foreach (var there in LinkTable.Read().Addresses)
            {
                if (addresses.Contains(there.Address) && AddressRules.IsOurs(there, LinkTable.RemembersProtocol))
                {
                    _ = LinkTable.Remove(there);
                }
            }

            return null;
        }
        catch (PosixException e)
        {
            return e.Message;
        }
    }
}
