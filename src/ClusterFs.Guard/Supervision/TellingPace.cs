using ClusterFs.Guard.Protocol;
using ClusterFs.Lease;

namespace ClusterFs.Guard.Supervision;

/// <summary>How often the daemon is told that a lease was renewed and nothing else has changed. All other changes are told at once.</summary>
/// <param name="RenewalsEvery">From one such report to the next; zero for each. Sooner where the lease as it was told is half over, so that the
/// daemon never takes a lease for ended that is renewed.</param>
internal sealed record TellingPace(TimeSpan RenewalsEvery)
{
    private static readonly TimeSpan ForEachService = TimeSpan.FromMilliseconds(2.5);

    /// <summary>At most 400 such reports in a second, whatever the number of services.</summary>
    public static TellingPace Of(int services) => new(services * ForEachService);

    public bool IsToBeTold(ServiceReport told, Instant toldAt, ServiceReport next, Instant now) =>
        IsMereRenewal(told, next)
            ? now.ShortestSince(toldAt) >= RenewalsEvery || now.LongestSince(toldAt) * 2 >= TimeSpan.FromMilliseconds(told.LeaseRemainingMs)
            : !next.Equals(told);

    /// <summary>Nothing is decided by it: the next one will do as well.</summary>
    private static bool IsMereRenewal(ServiceReport told, ServiceReport next)
    {
        if (told.LeaseRemainingMs <= 0 || next.LeaseRemainingMs <= 0 || next.Equals(told))
        {
            return false;
        }

        var same = told.Clone();
        same.LeaseRemainingMs = next.LeaseRemainingMs;
        same.ValidUntilBoottime = next.ValidUntilBoottime;
        same.ValidUntilMonotonicRaw = next.ValidUntilMonotonicRaw;
        return same.Equals(next);
    }
}
