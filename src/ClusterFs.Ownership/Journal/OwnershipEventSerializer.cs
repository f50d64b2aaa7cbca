using System.Collections.Immutable;
using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Akka.Actor;
using Akka.Serialization;
using ClusterFs.Lease.Ownership;
using Json = ClusterFs.Ownership.Journal.StoredEventsJson;

namespace ClusterFs.Ownership.Journal;

/// <summary>How events stand in the journal: JSON under a manifest that names kind and version.</summary>
public sealed class OwnershipEventSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    private const string VoterJoined = "voter-joined-v1";
    private const string Fencing = "fencing-v1";
    private const string Granted = "granted-v1";
    private const string Continued = "continued-v1";
    private const string Released = "released-v1";
    private const string PowerFenced = "power-fenced-v1";
    private const string Move = "move-v1";
    private const string MoveAbandoned = "move-abandoned-v1";
    private const string Started = "started-v1";
    private const string Settled = "settled-v1";
    private const string Damped = "damped-v1";
    private const string Paused = "paused-v1";
    private const string Resumed = "resumed-v1";

    /// <summary>Part of the stored form.</summary>
    public override int Identifier => 4243;

    public override string Manifest(object o) => o switch
    {
        Lease.Ownership.VoterJoined => VoterJoined,
        FencingBegun => Fencing,
        OwnershipGranted => Granted,
        OwnershipContinued => Continued,
        OwnershipReleased => Released,
        OwnerPowerFenced => PowerFenced,
        MoveBegun => Move,
        Lease.Ownership.MoveAbandoned => MoveAbandoned,
        OwnershipStarted => Started,
        OwnershipSettled => Settled,
        OwnershipDamped => Damped,
        OwnershipPaused => Paused,
        OwnershipResumed => Resumed,
        _ => throw new ArgumentException($"{o.GetType()} is no event of an ownership journal", nameof(o)),
    };

    public override byte[] ToBinary(object obj) => obj switch
    {
        VoterJoined e => Write(new StoredVoterJoined(e.At, e.Voter, e.Identity), Json.Default.StoredVoterJoined),
        FencingBegun e => Write(new StoredFencing(e.At, e.Epoch, Store(e.Cause)), Json.Default.StoredFencing),
        OwnershipGranted e => Write(
            new StoredGrant(e.At, e.Epoch, e.Node, [.. e.Voters], Milliseconds(e.Ttl), Milliseconds(e.StopBudget), Store(e.Cause),
                e.Lost is { } lost ? new StoredRisk(lost.Node, lost.Seconds, lost.Bytes) : null),
            Json.Default.StoredGrant),
        OwnershipContinued e => Write(new StoredContinuation(e.At, e.Epoch, e.Node), Json.Default.StoredContinuation),
        OwnershipReleased e => Write(new StoredRelease(e.At, e.Epoch, e.Node, e.Reason, e.HandedOver), Json.Default.StoredRelease),
        OwnerPowerFenced e => Write(
            new StoredPowerFence(e.At, e.Epoch, e.Node, e.Succeeded, e.Outcome), Json.Default.StoredPowerFence),
        MoveBegun e => Write(new StoredMove(e.At, e.From, e.To, e.Epoch, Store(e.Why)), Json.Default.StoredMove),
        MoveAbandoned e => Write(new StoredMoveAbandoned(e.At, e.To, e.Reason), Json.Default.StoredMoveAbandoned),
        OwnershipStarted e => Write(new StoredLife(e.At, e.Epoch, e.Node), Json.Default.StoredLife),
        OwnershipSettled e => Write(new StoredLife(e.At, e.Epoch, e.Node), Json.Default.StoredLife),
        OwnershipDamped e => Write(new StoredDamping(e.At, e.Epoch, e.Starts), Json.Default.StoredDamping),
        OwnershipPaused e => Write(new StoredMoment(e.At), Json.Default.StoredMoment),
        OwnershipResumed e => Write(new StoredMoment(e.At), Json.Default.StoredMoment),
        _ => throw new ArgumentException($"{obj.GetType()} is no event of an ownership journal", nameof(obj)),
    };

    public override object FromBinary(byte[] bytes, string manifest)
    {
        switch (manifest)
        {
            case VoterJoined:
                var joined = Read(bytes, Json.Default.StoredVoterJoined);
                return new VoterJoined(joined.At, joined.Voter, joined.Identity);
            case Fencing:
                var fencing = Read(bytes, Json.Default.StoredFencing);
                return new FencingBegun(fencing.At, fencing.Epoch, Load(fencing.Cause));
            case Granted:
                var grant = Read(bytes, Json.Default.StoredGrant);
                return new OwnershipGranted(
                    grant.At,
                    grant.Epoch,
                    grant.Node,
                    grant.Voters.ToImmutableSortedSet(StringComparer.Ordinal),
                    TimeSpan.FromMilliseconds(grant.TtlMs),
                    TimeSpan.FromMilliseconds(grant.StopBudgetMs),
                    Load(grant.Cause))
                {
                    Lost = grant.Lost is { } lost ? new AtRisk(lost.Node, lost.Seconds, lost.Bytes) : null,
                };
            case Continued:
                var continued = Read(bytes, Json.Default.StoredContinuation);
                return new OwnershipContinued(continued.At, continued.Epoch, continued.Node);
            case Released:
                var released = Read(bytes, Json.Default.StoredRelease);
                return new OwnershipReleased(released.At, released.Epoch, released.Node, released.Reason) { HandedOver = released.HandedOver };
            case PowerFenced:
                var cut = Read(bytes, Json.Default.StoredPowerFence);
                return new OwnerPowerFenced(cut.At, cut.Epoch, cut.Node, cut.Succeeded, cut.Outcome);
            case Move:
                var move = Read(bytes, Json.Default.StoredMove);
                return new MoveBegun(move.At, move.From, move.To, move.Epoch) { Why = Load(move.Why) };
            case MoveAbandoned:
                var abandoned = Read(bytes, Json.Default.StoredMoveAbandoned);
                return new MoveAbandoned(abandoned.At, abandoned.To, abandoned.Reason);
            case Started:
                var started = Read(bytes, Json.Default.StoredLife);
                return new OwnershipStarted(started.At, started.Epoch, started.Node);
            case Settled:
                var settled = Read(bytes, Json.Default.StoredLife);
                return new OwnershipSettled(settled.At, settled.Epoch, settled.Node);
            case Damped:
                var damped = Read(bytes, Json.Default.StoredDamping);
                return new OwnershipDamped(damped.At, damped.Epoch, damped.Starts);
            case Paused:
                return new OwnershipPaused(Read(bytes, Json.Default.StoredMoment).At);
            case Resumed:
                return new OwnershipResumed(Read(bytes, Json.Default.StoredMoment).At);
            default:
                // To skip what cannot be read would be to forget a grant.
                throw new SerializationException($"the journal holds a '{manifest}', which this version does not know");
        }
    }

    private static byte[] Write<T>(T stored, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(stored, type);

    private static T Read<T>(byte[] bytes, JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(bytes, type) ?? throw new SerializationException($"the journal holds an empty {typeof(T).Name}");

    /// <summary>Rounded up: whoever waits a stored TTL must not wait less than was promised.</summary>
    private static long Milliseconds(TimeSpan span) => (long)Math.Ceiling(span.TotalMilliseconds);

    private static StoredCause Store(GrantCause cause) => cause switch
    {
        GrantCause.Start => StoredCause.Start,
        GrantCause.Failover => StoredCause.Failover,
        GrantCause.Move => StoredCause.Move,
        _ => throw new ArgumentOutOfRangeException(nameof(cause), cause, "unknown cause"),
    };

    private static StoredMoveReason? Store(MoveReason why) => why switch
    {
        MoveReason.Asked => null,
        MoveReason.Failback => StoredMoveReason.Failback,
        MoveReason.Together => StoredMoveReason.Together,
        _ => throw new ArgumentOutOfRangeException(nameof(why), why, "unknown reason"),
    };

    private static MoveReason Load(StoredMoveReason? why) => why switch
    {
        null => MoveReason.Asked,
        StoredMoveReason.Failback => MoveReason.Failback,
        StoredMoveReason.Together => MoveReason.Together,
        _ => throw new SerializationException($"the journal holds an unknown reason for a move, {why}"),
    };

    private static GrantCause Load(StoredCause cause) => cause switch
    {
        StoredCause.Start => GrantCause.Start,
        StoredCause.Failover => GrantCause.Failover,
        StoredCause.Move => GrantCause.Move,
        _ => throw new SerializationException($"the journal holds an unknown cause, {cause}"),
    };
}
