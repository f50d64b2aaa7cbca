using System.Text.Json.Serialization;

namespace ClusterFs.Api;

/// <summary>How the local API is written: camelCase, and null where there is nothing to say.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(HistoryReport))]
[JsonSerializable(typeof(ExplainReport))]
[JsonSerializable(typeof(SimulateReport))]
[JsonSerializable(typeof(MembershipReport))]
[JsonSerializable(typeof(ShardingReport))]
[JsonSerializable(typeof(ActorsReport))]
[JsonSerializable(typeof(LogLevelReport))]
[JsonSerializable(typeof(MoveRequest))]
[JsonSerializable(typeof(MoveReport))]
[JsonSerializable(typeof(PauseReport))]
[JsonSerializable(typeof(NotifyReport))]
[JsonSerializable(typeof(PauseReport[]))]
[JsonSerializable(typeof(DumpReport))]
[JsonSerializable(typeof(DrainReport))]
[JsonSerializable(typeof(SeededReport))]
[JsonSerializable(typeof(SeededNodeReport))]
[JsonSerializable(typeof(ConfigReport))]
[JsonSerializable(typeof(ConfigNodeReport))]
[JsonSerializable(typeof(ConfigApplyReport))]
[JsonSerializable(typeof(StaticReport))]
[JsonSerializable(typeof(StaticNodeReport))]
[JsonSerializable(typeof(ApiError))]
public sealed partial class ApiJson : JsonSerializerContext;
