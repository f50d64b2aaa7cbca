using System.Text.Json;
using System.Text.Json.Serialization;

namespace ClusterFs.Demo.Status;

/// <summary>What <c>clusterfs status --json</c> says, read as a monitoring system would: from the documented fields alone.</summary>
public sealed record ClusterStatus(string Node, MembershipStatus Cluster, IReadOnlyList<ServiceStatus> Services)
{
    /// <exception cref="JsonException">That is no status.</exception>
    public static ClusterStatus Parse(string json) =>
        JsonSerializer.Deserialize(json, StatusJson.Default.ClusterStatus) ?? throw new JsonException("the status is null");

    public ServiceStatus? Service(string name) => Services.FirstOrDefault(service => service.Name == name);
}

public sealed record MembershipStatus(bool Quorum, IReadOnlyList<MemberStatus> Members, IReadOnlyList<string> Voters)
{
    public JournalStatus? Journal { get; init; }
}

public sealed record JournalStatus(bool Reachable, DateTimeOffset Since, string? Problem);

public sealed record MemberStatus(string Name, string Address, string Status, bool Reachable)
{
    [JsonIgnore]
    public bool IsUp => Reachable && string.Equals(Status, "up", StringComparison.OrdinalIgnoreCase);
}

public sealed record ServiceStatus(
    string Name,
    string State,
    string? Owner,
    long Epoch,
    double? LeaseRemainingMs,
    DumpStatus? LastDump,
    RiskStatus? AtRisk,
    int Divergent,
    DumpHealth? Dump)
{
    public bool Damped { get; init; }

    public IReadOnlyList<StandbyStatus> Standbys { get; init; } = [];

    public IReadOnlyList<RehearsalStatus> Rehearsals { get; init; } = [];

    public string? Reason { get; init; }

    public IReadOnlyList<string> Placement { get; init; } = [];

    [JsonIgnore]
    public bool IsOwned => State == "owned" && Owner is not null;
}

public sealed record DumpStatus(long Epoch, long Sequence, string? At, long Bytes);

public sealed record StandbyStatus(string Node, long Sequence, double? LagSeconds, string? Problem);

public sealed record RehearsalStatus(
    string Node, long Sequence, DateTimeOffset? At, double? Seconds, bool Checked, string? Problem, bool UnderWay);

public sealed record DumpHealth(bool Ok, string? Error);

public sealed record RiskStatus(double Seconds, long? Bytes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ClusterStatus))]
internal sealed partial class StatusJson : JsonSerializerContext;
