using ClusterFs.Api;
using ClusterFs.Configuration;

namespace ClusterFs.Node.Api;

/// <summary>Why something was not done, as HTTP says it.</summary>
internal sealed record Problem(int Status, ApiError Error)
{
    public static Problem Of(int status, string error, string? hint) => new(status, new ApiError(error, hint));

    public static Problem NoService(Settings settings, string service) =>
        Of(StatusCodes.Status404NotFound, $"there is no service {service}", $"configured are {string.Join(", ", settings.Services.Keys)}");

    public static Problem NoNode(Settings settings, string? node) =>
        Of(StatusCodes.Status400BadRequest, $"there is no node {node}", $"the nodes are {string.Join(", ", settings.Cluster.Nodes.Keys)}");

    public static Problem Silent(string service) => Of(
        StatusCodes.Status504GatewayTimeout,
        $"the ownership actor of {service} does not answer",
        "is the journal's database there, and a majority of the nodes? See `clusterfs status`");
}

/// <summary>A value, or why there is none.</summary>
internal readonly record struct Answer<T>(T? Value, Problem? Problem)
    where T : class
{
    public static implicit operator Answer<T>(T value) => new(value, null);

    public static implicit operator Answer<T>(Problem problem) => new(null, problem);
}
