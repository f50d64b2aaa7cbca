using System.Collections.Concurrent;
using System.Collections.Immutable;
using ClusterFs.Api;

namespace ClusterFs.Node.Page;

/// <summary>
/// The newest dumps of each service that this node has heard of since its start, whether somebody looks at the page or not: its timeline shows them. Safe
/// to use from several threads; of one service, the calls of <see cref="Saw"/> come one after the other.
/// </summary>
internal sealed class RecentDumps
{
    /// <summary>Of each service; older ones are forgotten.</summary>
    public const int KeptOfService = 10;

    private readonly ConcurrentDictionary<string, ImmutableQueue<PageEvent>> _services = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _newest = new(StringComparer.Ordinal);

    /// <summary>In no order.</summary>
    public IEnumerable<PageEvent> All => _services.Values.SelectMany(dumps => dumps);

    /// <param name="newest">The newest dump of the service; null while none is known. Seen before, or older: nothing new.</param>
    /// <param name="owner">Whose it most likely is.</param>
    public void Saw(string service, DumpPoint? newest, string? owner)
    {
        if (newest is null || _newest.GetValueOrDefault(service) >= newest.Sequence)
        {
            return;
        }

        _newest[service] = newest.Sequence;
        var dumps = _services.GetValueOrDefault(service, []).Enqueue(new PageEvent(service, newest.At, "dump", owner, $"dump #{newest.Sequence} was committed"));
        _services[service] = dumps.Count() > KeptOfService ? dumps.Dequeue() : dumps;
    }
}
