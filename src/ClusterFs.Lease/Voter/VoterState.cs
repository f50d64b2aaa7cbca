using System.Collections.Immutable;

namespace ClusterFs.Lease.Voter;

/// <summary>Everything a voter knows. <see cref="Durable"/> survives its process; the promises do not.</summary>
/// <param name="Name">The node whose voter it is.</param>
/// <param name="Started">When this process began to answer: read after it had the exclusive lock on its directory (R7).</param>
public sealed record VoterState(string Name, Instant Started, DurableVoterState Durable)
{
    /// <summary>By service.</summary>
    public ImmutableDictionary<string, Promise> Promises { get; init; } = ImmutableDictionary.Create<string, Promise>(StringComparer.Ordinal);

    /// <summary>The services of which a promise from before this process, if there was one, is over: whoever had it has given it up since.</summary>
    public ImmutableHashSet<string> GivenUp { get; init; } = ImmutableHashSet.Create<string>(StringComparer.Ordinal);
}

/// <summary>What is synced to disk before an answer that depends on it leaves.</summary>
/// <param name="Identity">Made up when the state was created. A voter that comes back with another has forgotten everything (R2).</param>
/// <param name="LongestTtl">The longest TTL ever promised, and at least the longest configured (R9).</param>
/// <param name="Floors">By service: the highest binding known. A service that is not here has not been joined.</param>
public sealed record DurableVoterState(Guid Identity, TimeSpan LongestTtl, ImmutableSortedDictionary<string, Binding> Floors);

/// <summary>Nobody but this binding, or its node under a higher epoch, will be acked before <paramref name="Until"/>.</summary>
public readonly record struct Promise(Binding To, Instant Until);

/// <summary>What the shell does for the machine, in order: a reply leaves only after the state before it is on disk.</summary>
public abstract record VoterEffect;

/// <summary>The state must be on disk before any later effect.</summary>
public sealed record PersistVoter(DurableVoterState State) : VoterEffect;

public sealed record Answer(VoterReply Reply) : VoterEffect;
