using System.Net;
using ClusterFs.Guard.State;
using ClusterFs.Lease;
using ClusterFs.Posix;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Addresses;

/// <summary>
/// Takes off what an earlier guard put on: no lease is held any more, and what still lives has no right to be reached. On a thread of its own,
/// because the kernel may keep it waiting, and that must not keep anything alive.
/// </summary>
internal sealed class LeftoverAddresses
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(50);

    private readonly IReadOnlyList<(string Service, IPAddress[] Addresses)> _leftovers;
    private readonly Func<IReadOnlyCollection<IPAddress>, string?> _takeOff;
    private readonly Instant _goneAt;
    private readonly Func<Instant> _now;
    private readonly ILogger _log;
    private readonly Thread? _thread;

    /// <summary>Begins at once.</summary>
    /// <param name="takeOff">Says why some may still be there; null when none is.</param>
    /// <param name="goneAfter">When the kernel has taken them off by itself, from now.</param>
    public LeftoverAddresses(
        IEnumerable<ServiceRecord> records, Func<IReadOnlyCollection<IPAddress>, string?> takeOff, TimeSpan goneAfter, Func<Instant> now, ILogger log)
    {
        _leftovers =
        [
            .. records.Where(record => record.BootId == MachineClock.BootId && record.Addresses is { Length: > 0 })
                .Select(record => (record.Service, record.Addresses!.Select(IPAddress.Parse).ToArray())),
        ];
        _takeOff = takeOff;
        _now = now;
        _goneAt = now() + goneAfter;
        _log = log;
        if (_leftovers.Count > 0)
        {
            _thread = new Thread(TakeOff) { IsBackground = true, Name = "addresses of before" };
            _thread.Start();
        }
    }

    /// <summary>Returns when they are gone, or their time is over by the kernel's own count.</summary>
    public void AwaitGone()
    {
        while (_thread is { } thread && !thread.Join(RetryAfter) && !_goneAt.HasComeBy(_now()))
        {
        }
    }

    private void TakeOff()
    {
        var left = _leftovers.ToList();
        var said = new HashSet<string>(StringComparer.Ordinal);
        using var never = new ManualResetEventSlim();
        while (true)
        {
            _ = left.RemoveAll(one => IsOff(one.Service, one.Addresses, said));
            if (left.Count == 0 || _goneAt.HasComeBy(_now()))
            {
                return;
            }

            _ = never.Wait(RetryAfter);
        }
    }

    private bool IsOff(string service, IPAddress[] addresses, HashSet<string> said)
    {
        if (_takeOff(addresses) is not { } problem)
        {
            return true;
        }

        if (said.Add(service))
        {
            _log.LeftoverAddresses(service, problem);
        }

        return false;
    }
}
