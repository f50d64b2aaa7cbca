using System.Text.Json.Serialization;

namespace ClusterFs.Ownership.Journal;

// The stored forms of the journal's events, version 1. What is on disk is read for ever: a new version is a new record with a new manifest.

internal sealed record StoredVoterJoined(DateTimeOffset At, string Voter, Guid Identity);

internal sealed record StoredFencing(DateTimeOffset At, long Epoch, StoredCause Cause);

internal sealed record StoredGrant(
    DateTimeOffset At,
    long Epoch,
    string Node,
    string[] Voters,
    long TtlMs,
    long StopBudgetMs,
    StoredCause Cause,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] StoredRisk? Lost = null);

internal sealed record StoredRisk(string Node, double Seconds, long Bytes);

internal sealed record StoredContinuation(DateTimeOffset At, long Epoch, string Node);

internal sealed record StoredRelease(DateTimeOffset At, long Epoch, string Node, string Reason, bool HandedOver = false);

internal sealed record StoredPowerFence(DateTimeOffset At, long Epoch, string Node, bool Succeeded, string Outcome);

internal sealed record StoredMove(
    DateTimeOffset At,
    string From,
    string To,
    long Epoch,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] StoredMoveReason? Why = null);

internal sealed record StoredMoveAbandoned(DateTimeOffset At, string To, string Reason);

internal sealed record StoredLife(DateTimeOffset At, long Epoch, string Node);

internal sealed record StoredDamping(DateTimeOffset At, long Epoch, int Starts);

internal sealed record StoredMoment(DateTimeOffset At);

[JsonConverter(typeof(JsonStringEnumConverter<StoredCause>))]
internal enum StoredCause
{
    [JsonStringEnumMemberName("start")]
    Start,

    [JsonStringEnumMemberName("failover")]
    Failover,

    [JsonStringEnumMemberName("move")]
    Move,
}

[JsonConverter(typeof(JsonStringEnumConverter<StoredMoveReason>))]
internal enum StoredMoveReason
{
    [JsonStringEnumMemberName("failback")]
    Failback,

    [JsonStringEnumMemberName("together")]
    Together,
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(StoredVoterJoined))]
[JsonSerializable(typeof(StoredFencing))]
[JsonSerializable(typeof(StoredGrant))]
[JsonSerializable(typeof(StoredContinuation))]
[JsonSerializable(typeof(StoredRelease))]
[JsonSerializable(typeof(StoredPowerFence))]
[JsonSerializable(typeof(StoredMove))]
[JsonSerializable(typeof(StoredMoveAbandoned))]
[JsonSerializable(typeof(StoredLife))]
[JsonSerializable(typeof(StoredDamping))]
[JsonSerializable(typeof(StoredMoment))]
internal sealed partial class StoredEventsJson : JsonSerializerContext;
