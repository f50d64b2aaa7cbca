using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace ClusterFs.Cli.Doctor;

/// <summary>What <c>doctor --json</c> says. Its names are relied on.</summary>
/// <param name="Node">Null where the configuration does not say.</param>
/// <param name="Fit">Nothing failed.</param>
/// <param name="Findings">In the order in which they are best read.</param>
public sealed record DoctorReport(string? Node, bool Fit, ImmutableArray<Finding> Findings)
{
    public static DoctorReport Of(string? node, ImmutableArray<Finding> findings) =>
        new(node, findings.All(finding => finding.Severity != Severity.Failure), findings);
}

/// <summary>One thing that was looked at.</summary>
/// <param name="Check">What was looked at.</param>
/// <param name="Seen">What was seen.</param>
/// <param name="Meaning">What that means; empty where it goes without saying.</param>
/// <param name="Remedy">How to mend it; empty where nothing is to be done.</param>
public sealed record Finding(string Check, Severity Severity, string Seen, string Meaning, string Remedy)
{
    public static Finding Ok(string check, string seen, string meaning = "") => new(check, Severity.Ok, seen, meaning, "");

    public static Finding Warning(string check, string seen, string meaning, string remedy) => new(check, Severity.Warning, seen, meaning, remedy);

    public static Finding Failure(string check, string seen, string meaning, string remedy) => new(check, Severity.Failure, seen, meaning, remedy);
}

[JsonConverter(typeof(JsonStringEnumConverter<Severity>))]
public enum Severity
{
    [JsonStringEnumMemberName("ok")]
    Ok,

    /// <summary>It works, and somebody should look.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>This node is not fit.</summary>
    [JsonStringEnumMemberName("failure")]
    Failure,
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(DoctorReport))]
[JsonSerializable(typeof(NodeMark))]
public sealed partial class DoctorJson : JsonSerializerContext;
