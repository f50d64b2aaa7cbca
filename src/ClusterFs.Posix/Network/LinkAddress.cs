using System.Net;

namespace ClusterFs.Posix.Network;

/// <summary>An address on a link, as it is at a moment.</summary>
/// <param name="Link">The index of the link.</param>
/// <param name="IsPermanent">It has no end of its own.</param>
/// <param name="Protocol">Who put it on, as far as they said: 0 for nobody; always 0 before Linux 5.18.</param>
public sealed record LinkAddress(int Link, IPAddress Address, int PrefixLength, bool IsPermanent, byte Protocol);
