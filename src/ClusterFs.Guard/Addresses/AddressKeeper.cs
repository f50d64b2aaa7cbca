using System.Collections.Concurrent;
using System.Collections.Immutable;
using ClusterFs.Configuration;
using ClusterFs.Lease;
using ClusterFs.Lease.Holder;
using ClusterFs.Posix;
using ClusterFs.Posix.Network;
using Microsoft.Extensions.Logging;

namespace ClusterFs.Guard.Addresses;

/// <summary>
/// Keeps the addresses of services on this node while they run here: puts them on for as long as the lease runs and no longer, so that the
/// kernel takes them off when nobody else can, gives them more time with each renewal, and puts them back where something else took them off.
/// On a thread of its own: the kernel may keep it waiting, and that must not keep a service alive.
/// </summary>
internal sealed class AddressKeeper : IDisposable
{
    /// <summary>Frames are lost, and switches learn late: said at once, and with the next renewals again.</summary>
    private const int Announcements = 4;

    /// <summary>Not of a service that starts: that one waits for the next renewal.</summary>
    private const string TooLittleLeft = "too little of its lease is left to put it on";

    private static readonly TimeSpan LongestLook = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(50);

    private readonly BlockingCollection<Action> _work = [];
    private readonly Dictionary<string, Lent> _lent = new(StringComparer.Ordinal);
    private readonly Func<HolderState> _holder;
    private readonly Action<string> _changed;
    private readonly Func<Instant> _now;
    private readonly ILogger _log;
    private readonly Thread _thread;
    private volatile ImmutableDictionary<string, AddressView> _views = ImmutableDictionary.Create<string, AddressView>(StringComparer.Ordinal);

    /// <param name="holder">The holder's state as of its last step.</param>
    /// <param name="changed">What is known of a service's addresses has changed.</param>
    public AddressKeeper(Func<HolderState> holder, Action<string> changed, Func<Instant> now, ILogger log)
    {
        _holder = holder;
        _changed = changed;
        _now = now;
        _log = log;
        _thread = new Thread(Run) { IsBackground = true, Name = "addresses" };
        _thread.Start();
    }

    /// <summary>May be read from any thread.</summary>
    public AddressView View(string service) => _views.GetValueOrDefault(service, AddressView.None);

    /// <summary>Puts a service's addresses on, for as long as its lease runs. Returns at once.</summary>
    /// <param name="done">Heard once, with why they are not on, or null; on another thread.</param>
    public void PutOn(string service, long tenure, ImmutableArray<FloatingAddress> addresses, Action<string?> done) => Post(() =>
    {
        var lent = _lent[service] = new Lent(service, tenure, addresses) { Starting = done };
        TryStart(lent);
    });

    /// <summary>Takes a service's addresses off. Returns at once.</summary>
    /// <param name="done">Heard once they are gone, or their time is over by the kernel's own count; on another thread.</param>
    public void TakeOff(string service, long tenure, Action done) => Post(() =>
    {
        if (_lent.TryGetValue(service, out var lent) && lent.Tenure == tenure)
        {
            lent.Leaving ??= done;
            TryLeave(lent);
        }
        else
        {
            done();
        }
    });

    public void Dispose()
    {
        Post(() =>
        {
            foreach (var lent in _lent.Values.ToList())
            {
                lent.Leaving ??= () => { };
                TryLeave(lent);
            }
        });
        _work.CompleteAdding();
        if (_thread.Join(TimeSpan.FromSeconds(2)))
        {
            _work.Dispose();
        }
    }

    private void Run()
    {
        while (!_work.IsCompleted)
        {
            if (_work.TryTake(out var work, NextLook()))
            {
                work();
                continue;
            }

            foreach (var lent in _lent.Values.ToList())
            {
                if (lent.Leaving is not null)
                {
                    TryLeave(lent);
                }
                else if (lent.Starting is not null)
                {
                    TryStart(lent);
                }
                else
                {
                    Renew(lent);
                }
            }
        }
    }

    private TimeSpan NextLook()
    {
        if (_lent.Count == 0)
        {
            return Timeout.InfiniteTimeSpan;
        }

        if (_lent.Values.Any(lent => lent.Leaving is not null || lent.Starting is not null))
        {
            return RetryAfter;
        }

        var often = _holder().Leases.Values.Where(lease => _lent.ContainsKey(lease.Service))
            .Select(lease => lease.Timings.RenewEvery / 2).DefaultIfEmpty(LongestLook).Min();
        return often < LongestLook ? often : LongestLook;
    }

    private void TryStart(Lent lent)
    {
        var problem = Apply(lent);
        if (problem == TooLittleLeft)
        {
            return;
        }

        if (problem is null)
        {
            _log.AddressesOn(lent.Service, lent.Tenure, string.Join(", ", lent.Shown));
        }

        var done = lent.Starting!;
        lent.Starting = null;
        done(problem);
    }

    private void Renew(Lent lent)
    {
        if (LeaseOf(lent) is not { ValidUntil: { } until } lease
            || until == lent.AppliedUntil
            || AddressRules.LifetimeFor(until.LeastRemaining(_now()), lease.Timings.Ttl) is null)
        {
            return;
        }

        // The service runs on without: that it cannot be reached is no reason to end it.
        if (Apply(lent) is { } problem && problem != TooLittleLeft && lent.Said != problem)
        {
            lent.Said = problem;
            _log.AddressesNotKept(lent.Service, lent.Tenure, problem);
        }
    }

    /// <returns>Why they are not on; null when they are.</returns>
    private string? Apply(Lent lent)
    {
        var problem = TryApply(lent);
        if (problem == TooLittleLeft)
        {
            return problem;
        }

        lent.Said = problem is null ? null : lent.Said;
        lent.OnSince = problem is null ? lent.OnSince : null;
        Publish(lent, problem);
        return problem;
    }

    private string? TryApply(Lent lent)
    {
        try
        {
            var table = LinkTable.Read();
            var places = lent.Addresses.Select(address => (Address: address, Place: PlaceFor(lent, address, table))).ToList();
            if (places.Select(one => one.Place.Problem).FirstOrDefault(problem => problem is not null) is { } nowhere)
            {
                return nowhere;
            }

            var areNew = false;
            foreach (var (address, place) in places)
            {
                foreach (var misplaced in place.Misplaced)
                {
                    _ = LinkTable.Remove(misplaced);
                }

                // Asked for each of them, last: the kernel counts from when it is told.
                if (LeaseOf(lent) is not { ValidUntil: { } until } lease || until.MayHaveComeBy(_now()))
                {
                    return "its lease has run out";
                }

                var isNew = !table.Addresses.Any(there => there.Address.Equals(address.Address));
                if (AddressRules.LifetimeFor(until.LeastRemaining(_now()), lease.Timings.Ttl) is not { } lifetime)
                {
                    return TooLittleLeft;
                }

                LinkTable.Put(place.Link!, address.Address, address.PrefixLength, lifetime, AddressRules.Mark, place.BringsRoute);
                lent.AppliedUntil = until;
                _ = place.Routed && lent.Routed.Add(address);
                lent.GoneAfter = _now() + (until.MostRemaining(_now()) + (AddressRules.KernelLateness * 2));
                lent.Announced = isNew ? 0 : lent.Announced;
                areNew |= isNew;
            }

            lent.OnSince = areNew || lent.OnSince is null ? _now() : lent.OnSince;
            lent.Shown = [.. places.Select(one => $"{one.Address} on {one.Place.Link!.Name}")];
            if (lent.Announced < Announcements)
            {
                lent.Announced++;
                Announce(lent, places.Select(one => (one.Address, one.Place.Link!)));
            }

            return null;
        }
        catch (PosixException e)
        {
            return e.Error is PosixException.NotPermitted ? $"{e.Message}: the guard needs CAP_NET_ADMIN" : e.Message;
        }
    }

    /// <summary>Who is not told finds out by himself, when he asks the next time; no reason not to run.</summary>
    private void Announce(Lent lent, IEnumerable<(FloatingAddress Address, NetworkLink Link)> placed)
    {
        foreach (var (address, link) in placed.Where(one => one.Link.IsEthernet))
        {
            try
            {
                Announcement.Send(link, address.Address);
            }
            catch (PosixException e)
            {
                var isForbidden = e.Error is PosixException.NotPermitted;
                lent.Announced = isForbidden ? Announcements : lent.Announced;
                _log.AddressNotAnnounced(lent.Service, address.ToString(), isForbidden ? $"{e.Message}: the guard needs CAP_NET_RAW" : e.Message);
            }
        }
    }

    private void TryLeave(Lent lent)
    {
        var problem = AddressRemoval.TryTakeOff([.. lent.Addresses.Select(address => address.Address)]);
        if (problem is not null && lent.Said != problem)
        {
            lent.Said = problem;
            _log.AddressesNotOff(lent.Service, lent.Tenure, problem);
        }

        if (problem is null || lent.GoneAfter.HasComeBy(_now()))
        {
            _ = _lent.Remove(lent.Service);
            _views = _views.Remove(lent.Service);
            _changed(lent.Service);
            _log.AddressesOff(lent.Service, lent.Tenure);
            lent.Leaving!();
        }
    }

    private static AddressPlace PlaceFor(Lent lent, FloatingAddress address, LinkTable table) =>
        AddressRules.PlaceFor(address, table, LinkTable.RemembersProtocol, lent.Routed.Contains(address));

    private HeldLease? LeaseOf(Lent lent) =>
        _holder().Leases.TryGetValue(lent.Service, out var lease) && lease.Tenure == lent.Tenure && lease.Phase != LeasePhase.Closed ? lease : null;

    private void Publish(Lent lent, string? problem)
    {
        var view = problem is null ? new AddressView(lent.Shown, null) { Since = lent.OnSince } : new AddressView([], problem);
        if (!View(lent.Service).Equals(view))
        {
            _views = _views.SetItem(lent.Service, view);
            _changed(lent.Service);
        }
    }

    private void Post(Action work)
    {
        try
        {
            _work.Add(work);
        }
        catch (InvalidOperationException)
        {
            // The guard is ending, and what it lent is off.
        }
    }

    private sealed class Lent(string service, long tenure, ImmutableArray<FloatingAddress> addresses)
    {
        public string Service => service;

        public long Tenure => tenure;

        public ImmutableArray<FloatingAddress> Addresses => addresses;

        public ImmutableArray<string> Shown { get; set; } = [];

        /// <summary>Since when all of them are on without a break that was seen; null before.</summary>
        public Instant? OnSince { get; set; }

        /// <summary>What of the lease the kernel was told last.</summary>
        public Instant AppliedUntil { get; set; }

        /// <summary>When the kernel has taken them off by itself.</summary>
        public Instant GoneAfter { get; set; }

        public int Announced { get; set; }

        public string? Said { get; set; }

        /// <summary>Those that were put where the node has an address of their network of its own.</summary>
        public HashSet<FloatingAddress> Routed { get; } = [];

        /// <summary>They are to be put on for the first time; heard when they are, or cannot be.</summary>
        public Action<string?>? Starting { get; set; }

        /// <summary>They are to go; heard when they are gone.</summary>
        public Action? Leaving { get; set; }
    }
}

/// <summary>What others may know of a service's addresses.</summary>
/// <param name="On">Those that are on, each with its interface.</param>
/// <param name="Problem">Why they are not.</param>
internal sealed record AddressView(ImmutableArray<string> On, string? Problem)
{
    public static AddressView None { get; } = new([], null);

    /// <summary>Since when they are on; null while they are not.</summary>
    public Instant? Since { get; init; }

    public bool Equals(AddressView? other) =>
        other is not null && Problem == other.Problem && Since == other.Since && On.SequenceEqual(other.On, StringComparer.Ordinal);

    public override int GetHashCode() => HashCode.Combine(Problem, Since, On.Length);
}
