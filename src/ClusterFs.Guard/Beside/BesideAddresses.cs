using System.Collections.Immutable;
using System.Net;
using ClusterFs.Guard.Addresses;

namespace ClusterFs.Guard.Beside;

/// <summary>
/// A service's addresses, as the process beside it sees them: it takes them off when the guard is gone, or silent at the deadline. Apart from
/// whoever kills, because the kernel may keep whoever asks it waiting. Belongs to one thread.
/// </summary>
internal sealed class BesideAddresses(Action<string> say)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(50);
    private const int Attempts = 20;

    private ImmutableArray<IPAddress> _addresses = [];
    private Task<string?>? _leaving;

    /// <summary>As the guard says; what it said first of a service that is alive stands.</summary>
    public void Learn(IEnumerable<string> addresses)
    {
        if (_addresses.IsEmpty)
        {
            Replace(addresses);
        }
    }

    /// <summary>As the guard says of what starts now: it may have another configuration than the one before. Once those before are off.</summary>
    public void Replace(IEnumerable<string> addresses) => _addresses = [.. addresses.Select(IPAddress.Parse)];

    /// <summary>Takes them off, once. Returns at once.</summary>
    public void Leave()
    {
        if (!_addresses.IsEmpty)
        {
            _leaving ??= Task.Run(() => LeaveAsync(_addresses));
        }
    }

    /// <summary>Until they are off, but not for long: then the kernel does it, when their time is over.</summary>
    public void FinishLeaving() => FinishLeaving(Patience);

    /// <param name="patience">How long it may take.</param>
    public void FinishLeaving(TimeSpan patience)
    {
        if (_leaving is not { } leaving)
        {
            return;
        }

        _leaving = null;
        if ((leaving.Wait(patience) ? leaving.Result : "the kernel does not answer") is { } problem)
        {
            say($"its address cannot be taken off: {problem}");
        }
    }

    private static async Task<string?> LeaveAsync(ImmutableArray<IPAddress> addresses)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (AddressRemoval.TryTakeOff(addresses) is not { } problem)
            {
                return null;
            }

            if (attempt == Attempts)
            {
                return problem;
            }

            await Task.Delay(RetryAfter).ConfigureAwait(false);
        }
    }
}
