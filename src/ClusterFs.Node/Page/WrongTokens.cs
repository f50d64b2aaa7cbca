using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace ClusterFs.Node.Page;

/// <summary>
/// Counts the wrong tokens of each address, so that nobody can try many. A page that goes on asking with one token that was changed tries nothing: each counts
/// once. Knows no more than <see cref="MostAddresses"/> addresses; of more, those that began first are forgotten. Thread-safe.
/// </summary>
internal sealed class WrongTokens(TimeProvider time)
{
    public const int MostTries = 10;
    public const int MostAddresses = 1000;

    /// <summary>So long a try counts, and so long at most an address is kept out.</summary>
    public static readonly TimeSpan Counts = TimeSpan.FromMinutes(1);

    private const int OneNetwork = 8;

    private readonly Lock _turn = new();
    private readonly Dictionary<IPAddress, Tries> _tries = [];
    private readonly Queue<(IPAddress Address, Tries Tries)> _order = new();

    public int Addresses
    {
        get
        {
            lock (_turn)
            {
                return _tries.Count;
            }
        }
    }

    /// <returns>How long nothing that comes from there is looked at; null where it is.</returns>
    public TimeSpan? KeptOutFor(IPAddress? from)
    {
        lock (_turn)
        {
            Forget();
            return _tries.TryGetValue(Whose(from), out var tries) && tries.Seen.Count >= MostTries ? Counts - time.GetElapsedTime(tries.Since) : null;
        }
    }

    /// <param name="given">What was given in place of the token.</param>
    public void Note(IPAddress? from, string given)
    {
        lock (_turn)
        {
            Forget();
            var address = Whose(from);
            if (!_tries.TryGetValue(address, out var tries))
            {
                tries = _tries[address] = new Tries(time.GetTimestamp());
                _order.Enqueue((address, tries));
                Forget();
            }

            if (tries.Seen.Count < MostTries)
            {
                _ = tries.Seen.Add(BitConverter.ToInt64(SHA256.HashData(Encoding.UTF8.GetBytes(given))));
            }
        }
    }

    private void Forget()
    {
        while (_order.TryPeek(out var oldest) && (_tries.Count > MostAddresses || time.GetElapsedTime(oldest.Tries.Since) >= Counts))
        {
            _ = _tries.Remove(_order.Dequeue().Address);
        }
    }

    /// <summary>A machine has as many IPv6 addresses of its network as it likes.</summary>
    private static IPAddress Whose(IPAddress? from)
    {
        if (from is null || from.AddressFamily != AddressFamily.InterNetworkV6 || from.IsIPv4MappedToIPv6)
        {
            return from?.MapToIPv4() ?? IPAddress.None;
        }

        var bytes = from.GetAddressBytes();
        bytes.AsSpan(OneNetwork).Clear();
        return new IPAddress(bytes);
    }

    private sealed record Tries(long Since)
    {
        public HashSet<long> Seen { get; } = [];
    }
}
